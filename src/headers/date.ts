const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

// https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7: the form that is sent, and the two that are still to be understood.
const forms = [
  /^[A-Z][a-z]{2}, (?<day>\d\d) (?<month>[A-Z][a-z]{2}) (?<year>\d{4}) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^[A-Z][a-z]{5,8}, (?<day>\d\d)-(?<month>[A-Z][a-z]{2})-(?<year>\d\d) (?<time>\d\d:\d\d:\d\d) GMT$/,
  /^[A-Z][a-z]{2} (?<month>[A-Z][a-z]{2}) (?<day>[ \d]\d) (?<time>\d\d:\d\d:\d\d) (?<year>\d{4})$/,
]

/** A time in milliseconds as an HTTP-date, which has whole seconds. */
export const formatDate = (time: number): string => new Date(time).toUTCString()

/** The milliseconds of an HTTP-date, or `undefined` for what is none. `Date.parse` takes more, and each engine something else. */
export function parseDate(text: string): number | undefined {
  for (const form of forms) {
    const { day, month, year, time } = form.exec(text)?.groups ?? {}
    if (year === undefined) continue
    const index = months.indexOf(month!)
    const found = new Date(
      `${toFullYear(year)}-${String(index + 1).padStart(2, '0')}-${day!.replace(' ', '0')}T${time}Z`,
    )
    // The 31st of a short month would be in the next one.
    return found.getUTCDate() === Number(day) ? found.getTime() : undefined
  }
  return undefined
}

// Two digits stand for the last such year that is not over 50 years ahead.
function toFullYear(year: string): string {
  if (year.length === 4) return year
  const now = new Date().getUTCFullYear()
  const inThisCentury = now - (now % 100) + Number(year)
  return String(inThisCentury > now + 50 ? inThisCentury - 100 : inThisCentury)
}
