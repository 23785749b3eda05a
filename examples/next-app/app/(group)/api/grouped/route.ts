export const GET = () => new Response('grouped')
