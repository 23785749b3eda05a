/**
 * An object without a prototype, for names that come from outside: `__proto__` is a name like any other in it. Made by a
 * constructor, since V8 keeps those of `Object.create(null)` as slow dictionaries.
 */
export const NullObject: new () => Record<string, unknown> = function () {} as never
NullObject.prototype = Object.freeze(Object.create(null))
