import type { MetadataRoute } from 'next'

export default function sitemap(): MetadataRoute.Sitemap {
  return [{ url: 'https://shop.example/', lastModified: '2026-01-01', changeFrequency: 'daily', priority: 0.5 }]
}
