/**
 * An object without a prototype, for names that clients choose: `__proto__` is a name like any other in it. It has a
 * constructor because V8 stores objects of `Object.create(null)` as slow dictionaries.
 */
export const NullObject: new () => Record<string, unknown> = function () {} as never
NullObject.prototype = Object.freeze(Object.create(null))
