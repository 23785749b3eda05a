const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

// The format that is sent, and the two obsolete formats that must be accepted: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7
const forms = [
  /^[A-Z][a-z]{2}, (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^[A-Z][a-z]{5,8}, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/,
]

/** Formats a time in milliseconds as an HTTP-date, rounded down to a whole second. */
export const formatDate = (time: number): string => new Date(time).toUTCString()

/**
 * Parses an HTTP-date to milliseconds, or returns `undefined` if it is invalid. `Date.parse` also accepts other formats,
 * which differ between engines.
 */
export function parseDate(text: string): number | undefined {
  for (const form of forms) {
    const { day, month, year, time } = form.exec(text)?.groups ?? {}
    if (year === undefined) continue
    const index = months.indexOf(month!)
    const found = new Date(
      `${toFullYear(year)}-${String(index + 1).padStart(2, '0')}-${day!.replace(' ', '0')}T${time}Z`,
    )
    // `new Date` moves the 31st of a shorter month to the next month.
    return found.getUTCDate() === Number(day) ? found.getTime() : undefined
  }
  return undefined
}

// A two-digit year is the latest year with these digits that is at most 50 years in the future.
function toFullYear(year: string): string {
  if (year.length === 4) return year
  const now = new Date().getUTCFullYear()
  const inThisCentury = now - (now % 100) + Number(year)
  return String(inThisCentury > now + 50 ? inThisCentury - 100 : inThisCentury)
}
