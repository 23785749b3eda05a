import { session } from './element.js'

// The entered values of each operation, by the position of the control. Going back shows them again.
const drafts = new Map<string, readonly unknown[]>()

// All operations share the stored values of the class `shared`. Every kind of control has the members that are used.
const controlsOf = (form: HTMLFormElement): readonly HTMLInputElement[] => [
  ...form.querySelectorAll<HTMLInputElement>(':is(input, select, textarea):not(.shared *)'),
]

/** Stores the values of a form until the tab is closed; files until the page is closed. */
export function store(id: string, form: HTMLFormElement): void {
  const values = controlsOf(form).map(
    ({ files, type, checked, value }) => files ?? (type === 'checkbox' ? checked : value),
  )
  drafts.set(id, values)
  session.set(`draft:${id}`, JSON.stringify(values))
}

/** Fills a form with its stored values. */
export function restore(id: string, form: HTMLFormElement): void {
  const values = drafts.get(id) ?? (JSON.parse(session.get(`draft:${id}`) || '[]') as readonly unknown[])
  for (const [index, value] of values.entries()) {
    // Read at each step, because a selected media type replaces the controls after it.
    const control = controlsOf(form)[index]
    if (!control) return
    if (value instanceof FileList) control.files = value
    else if (value === true) control.checked = true
    else if (typeof value === 'string') control.value = value
    control.dispatchEvent(new Event(control.tagName === 'SELECT' ? 'change' : 'input'))
  }
}
