import type ts from 'typescript'
import { compare, escape, indent, indentRest, quote, toComment, toKey, toTypeName } from './text.js'
import type { TypeScript } from './typescript.js'

/** The side of a call that a type belongs to. */
export type Side = 'options' | 'result'

// Types that every host of the client has, declared by TypeScript's library, by Node's types or by others.
// prettier-ignore
const platform: ReadonlySet<string> = new Set(['Blob', 'File', 'FormData', 'Headers', 'ReadableStream', 'Request', 'Response', 'URL', 'URLSearchParams'])

const maxDepth = 40
const maxWidth = 100

/**
 * Writes types of data in full, without the names of the server's files. A recursive type gets a declaration.
 */
export class TypePrinter {
  readonly #ts: TypeScript
  readonly #checker: ts.TypeChecker
  readonly #program: ts.Program
  readonly #scope: ts.SourceFile
  readonly #known: ReadonlyMap<ts.Symbol, string>
  readonly #reserved: ReadonlySet<string>
  readonly #warn: (place: string, reason: string) => void
  readonly #isExact: boolean
  readonly #texts: Record<Side, Map<ts.Type, string>> = { options: new Map(), result: new Map() }
  /** The types that are being written, outer first. One that occurs again inside gets a name. */
  readonly #open = new Map<ts.Type, { readonly label: string; name?: string }>()
  #depth = 0
  readonly #declarations = new Map<string, string>()
  readonly #unions = new Map<string, string>()
  readonly #symbols = new Map<ts.Symbol, string>()
  /** Texts that need parentheses before `[]`. */
  readonly #loose = new Set<string>()
  readonly #imports = new Set<string>()
  #globals: ReadonlyMap<string, ts.Symbol> | undefined

  constructor(
    ts: TypeScript,
    program: ts.Program,
    scope: ts.SourceFile,
    known: ReadonlyMap<ts.Symbol, string>,
    reserved: ReadonlySet<string>,
    warn: (place: string, reason: string) => void,
  ) {
    this.#ts = ts
    this.#program = program
    this.#checker = program.getTypeChecker()
    this.#scope = scope
    this.#known = known
    this.#reserved = reserved
    this.#warn = warn
    this.#isExact = program.getCompilerOptions().exactOptionalPropertyTypes === true
  }

  /** Returns a reference to a type of the client. */
  reference(name: string, args: readonly string[]): string {
    this.#imports.add(name)
    const line = `${name}<${args.join(', ')}>`
    return line.length <= maxWidth && !line.includes('\n') ? line : `${name}<\n${args.map(indent).join(',\n')}\n>`
  }

  declarations(): string[] {
    return [...this.#declarations].map(([, text]) => text)
  }

  imports(): string[] {
    return [...this.#imports].sort()
  }

  /**
   * Returns the text of a type. `place` is for warnings; `label` names a type that needs a declaration and has no name.
   */
  print(type: ts.Type, place: string, side: Side, label: string): string {
    const simple = this.#simple(type)
    if (simple !== undefined) return simple
    const written = this.#texts[side].get(type)
    if (written !== undefined) return written
    const open = this.#open.get(type)
    if (open) return (open.name ??= this.#freeName(this.#nameOf(type) ?? open.label))
    if (this.#depth > maxDepth) return this.#unknown(place, 'the type has no end')
    const opened: { readonly label: string; name?: string } = { label: label || 'Recursive' }
    // An array gets no declaration. Its items can.
    const isList = this.#checker.isArrayType(type) || this.#checker.isTupleType(type)
    if (!isList) this.#open.set(type, opened)
    this.#depth++
    let text = this.#structure(type, place, side, label)
    this.#depth--
    this.#open.delete(type)
    if (opened.name !== undefined) {
      this.#declarations.set(opened.name, `type ${opened.name} =${this.#after(text)}`)
      text = opened.name
    }
    this.#texts[side].set(type, text)
    return text
  }

  #unknown(place: string, reason: string): string {
    this.#warn(place, reason)
    return 'unknown'
  }

  #simple(type: ts.Type): string | undefined {
    const { TypeFlags } = this.#ts
    const { flags } = type
    if (flags & (TypeFlags.Union | TypeFlags.Intersection | TypeFlags.Object)) return undefined
    if (flags & TypeFlags.Any) return 'any'
    if (flags & TypeFlags.Unknown) return 'unknown'
    if (flags & TypeFlags.Never) return 'never'
    if (flags & TypeFlags.Void) return 'void'
    if (flags & TypeFlags.Undefined) return 'undefined'
    if (flags & TypeFlags.Null) return 'null'
    if (type.isStringLiteral()) return quote(type.value)
    if (type.isNumberLiteral()) return Number.isFinite(type.value) ? String(type.value) : 'number'
    if (flags & TypeFlags.BigIntLiteral) {
      const { negative, base10Value } = (type as ts.BigIntLiteralType).value
      return `${negative ? '-' : ''}${base10Value}n`
    }
    if (flags & TypeFlags.BooleanLiteral) return this.#checker.typeToString(type)
    if (flags & TypeFlags.String) return 'string'
    // An enum with computed values.
    if (flags & (TypeFlags.Number | TypeFlags.Enum)) return 'number'
    if (flags & TypeFlags.Boolean) return 'boolean'
    if (flags & TypeFlags.BigInt) return 'bigint'
    if (flags & TypeFlags.NonPrimitive) return 'object'
    return undefined
  }

  #structure(type: ts.Type, place: string, side: Side, label: string): string {
    const { TypeFlags } = this.#ts
    if (type.isUnion()) return this.#union(type.types, place, side, label)
    if (type.isIntersection()) return this.#intersection(type, place, side, label)
    if (type.flags & TypeFlags.TemplateLiteral) {
      const { texts, types } = type as ts.TemplateLiteralType
      const parts = types.map(
        (part, index) => `\${${this.print(part, place, side, label)}}${escape(texts[index + 1]!)}`,
      )
      return `\`${escape(texts[0]!)}${parts.join('')}\``
    }
    if (type.flags & TypeFlags.StringMapping) {
      const mapping = type as ts.StringMappingType
      return `${mapping.symbol.name}<${this.print(mapping.type, place, side, label)}>`
    }
    if (type.flags & TypeFlags.Object) return this.#object(type as ts.ObjectType, place, side, label)
    return this.#unknown(place, `${this.#checker.typeToString(type)} is not a type of data`)
  }

  #union(types: readonly ts.Type[], place: string, side: Side, label: string): string {
    const { BooleanLiteral } = this.#ts.TypeFlags
    const isLiteral = ({ flags }: ts.Type): boolean => !!(flags & BooleanLiteral)
    const isBoolean = types.filter(isLiteral).length === 2
    const members = isBoolean ? types.filter((type) => !isLiteral(type)) : types
    const texts = new Set(members.map((member) => this.print(member, place, side, label)))
    if (isBoolean) texts.add('boolean')
    if (!texts.size) return 'never'
    if (texts.has('unknown')) return 'unknown'
    // Sorted by text, because the compiler's order depends on the files that it read first.
    return this.#join(this.#shorten([...texts].sort(compare)), '|')
  }

  // A plain Response can have any status, which is fifty members. They get one declaration.
  #shorten(members: readonly string[]): readonly string[] {
    const any = members.filter((member) => /^(?:Success|Failure)<\d+, unknown>$/.test(member))
    if (any.length < 10) return members
    const text = any.join('\n  | ')
    const name = this.#unions.get(text) ?? this.#freeName(text.includes('Failure<') ? 'AnyResult' : 'AnySuccess')
    this.#unions.set(text, name)
    this.#declarations.set(name, `type ${name} =\n  | ${text}`)
    return [name, ...members.filter((member) => !any.includes(member))]
  }

  #intersection(type: ts.IntersectionType, place: string, side: Side, label: string): string {
    const isPlain = (member: ts.Type): boolean =>
      !!(member.flags & this.#ts.TypeFlags.Object) &&
      this.#byName(member as ts.ObjectType) === undefined &&
      !this.#isFunction(member) &&
      this.#checker.getIndexInfosOfType(member).length === 0
    const plain = type.types.filter(isPlain)
    const texts = type.types
      .filter((member) => !isPlain(member))
      .map((member) => this.#wrap(this.print(member, place, side, label)))
      .filter((text) => text !== 'unknown')
    if (!texts.length && !plain.length) return 'unknown'
    const literal = this.#literal(plain, type, place, side, label)
    if (literal !== '{}' || !texts.length) texts.push(literal)
    return this.#join(texts, '&')
  }

  #join(texts: readonly string[], operator: '|' | '&'): string {
    if (texts.length === 1) return texts[0]!
    const line = texts.join(` ${operator} `)
    const isShort = line.length <= maxWidth && !line.includes('\n')
    const text = isShort ? line : texts.map((one) => `${operator} ${indentRest(one)}`).join('\n')
    this.#loose.add(text)
    return text
  }

  #wrap(text: string): string {
    if (!this.#loose.has(text)) return text
    return text.includes('\n') && /^[|&]/.test(text) ? `(\n${indent(text)}\n)` : `(${text})`
  }

  // The text after a colon or an equals sign.
  #after(text: string): string {
    return this.#loose.has(text) && text.includes('\n') && /^[|&]/.test(text) ? `\n${indent(text)}` : ` ${text}`
  }

  #object(type: ts.ObjectType, place: string, side: Side, label: string): string {
    const checker = this.#checker
    const argumentsOf = (): readonly ts.Type[] => checker.getTypeArguments(type as ts.TypeReference)
    if (checker.isTupleType(type)) return this.#tuple(type as ts.TupleTypeReference, place, side, label)
    if (checker.isArrayType(type)) {
      const items = `${this.#wrap(this.print(argumentsOf()[0]!, place, side, label))}[]`
      if (type.symbol.name !== 'ReadonlyArray') return items
      this.#loose.add(`readonly ${items}`)
      return `readonly ${items}`
    }
    const name = this.#byName(type)
    if (name !== undefined) {
      const args = this.#withoutDefaults(type).map((arg) => this.print(arg, place, side, label))
      if ([...this.#known.values()].includes(name))
        return args.length ? this.reference(name, args) : this.#imported(name)
      return args.length ? `${name}<${args.join(', ')}>` : name
    }
    if (this.#isFunction(type)) return this.#unknown(place, 'a function is not a type of data')
    if (checker.getPropertiesOfType(type).some((property) => isHidden(this.#ts, property)))
      return this.#unknown(place, `the class ${type.symbol.name} has private members`)
    return this.#literal([type], type, place, side, label)
  }

  #imported(name: string): string {
    this.#imports.add(name)
    return name
  }

  #isFunction(type: ts.Type): boolean {
    return type.getCallSignatures().length > 0 || type.getConstructSignatures().length > 0
  }

  // The name of a type that the reader of the text has too: the client's and the platform's.
  #byName(type: ts.ObjectType): string | undefined {
    const { symbol } = type
    if (!symbol) return undefined
    const known = this.#known.get(symbol)
    if (known !== undefined) return known
    if (!(symbol.flags & (this.#ts.SymbolFlags.Interface | this.#ts.SymbolFlags.Class))) return undefined
    if (this.#scoped().get(symbol.name) !== symbol) return undefined
    if (platform.has(symbol.name)) return symbol.name
    const isOfLibrary = symbol.declarations?.some((one) =>
      this.#program.isSourceFileDefaultLibrary(one.getSourceFile()),
    )
    return isOfLibrary ? symbol.name : undefined
  }

  #scoped(): ReadonlyMap<string, ts.Symbol> {
    return (this.#globals ??= new Map(
      this.#checker.getSymbolsInScope(this.#scope, this.#ts.SymbolFlags.Type).map((symbol) => [symbol.name, symbol]),
    ))
  }

  // Older libraries have fewer type parameters: `AsyncIterable<T, any, any>` is written `AsyncIterable<T>`.
  #withoutDefaults(type: ts.ObjectType): readonly ts.Type[] {
    const { target } = type as ts.TypeReference
    const parameters = target?.typeParameters ?? []
    const args = this.#checker.getTypeArguments(type as ts.TypeReference).slice(0, parameters.length)
    while (args.length && this.#checker.getDefaultFromTypeParameter(parameters[args.length - 1]!) === args.at(-1))
      args.pop()
    return args
  }

  #tuple(type: ts.TupleTypeReference, place: string, side: Side, label: string): string {
    const { ElementFlags } = this.#ts
    const { elementFlags, labeledElementDeclarations, readonly } = type.target
    const texts = this.#checker.getTypeArguments(type).map((item, index) => {
      const flags = elementFlags[index]!
      const declaration = labeledElementDeclarations?.[index]
      const isOptional = !!(flags & ElementFlags.Optional)
      const rest = flags & ElementFlags.Variable ? '...' : ''
      const text = isOptional ? this.#optional(item, place, side, label) : this.print(item, place, side, label)
      const value = flags & ElementFlags.Rest ? `${this.#wrap(text)}[]` : text
      const name = declaration && this.#ts.isIdentifier(declaration.name) ? declaration.name.text : undefined
      if (name !== undefined) return `${rest}${name}${isOptional ? '?' : ''}: ${value}`
      return `${rest}${isOptional ? `${this.#wrap(value)}?` : value}`
    })
    const text = `${readonly ? 'readonly ' : ''}[${texts.join(', ')}]`
    if (readonly) this.#loose.add(text)
    return text
  }

  // One object literal with the properties of these types, as `whole` has them.
  #literal(types: readonly ts.Type[], whole: ts.Type, place: string, side: Side, label: string): string {
    const checker = this.#checker
    const names = new Map<string, ts.Symbol[]>()
    for (const type of types)
      for (const property of checker.getPropertiesOfType(type)) {
        const name = String(property.escapedName)
        names.set(name, [...(names.get(name) ?? []), property])
      }
    const entries = types.flatMap((type) =>
      checker.getIndexInfosOfType(type).map((info) => {
        const value = this.print(info.type, `${place} > []`, side, label)
        return `${info.isReadonly ? 'readonly ' : ''}[key: ${this.print(info.keyType, place, side, label)}]: ${value}`
      }),
    )
    for (const [name, properties] of names) {
      const property =
        properties.length > 1 ? (whole.getProperty(properties[0]!.name) ?? properties[0]!) : properties[0]!
      const key = this.#key(property, name)
      if (key === undefined) continue
      const isOptional = properties.every(({ flags }) => flags & this.#ts.SymbolFlags.Optional)
      const isReadonly = properties.every((one) => this.#isReadonly(one))
      const type = checker.getTypeOfSymbol(property)
      const inside = `${place} > ${property.name}`
      const own = toTypeName(property.name)
      const inner = label && this.#scoped().has(own) ? label : own
      const text = isOptional ? this.#optional(type, inside, side, inner) : this.print(type, inside, side, inner)
      const documentation = this.#ts.displayPartsToString(property.getDocumentationComment(checker)).trim()
      entries.push(
        `${documentation && toComment(documentation)}${isReadonly ? 'readonly ' : ''}${key}${isOptional ? '?' : ''}:${this.#after(text)}`,
      )
    }
    if (!entries.length) return '{}'
    const line = `{ ${entries.join('; ')} }`
    if (line.length <= maxWidth && !line.includes('\n') && !line.includes('/**')) return line
    return `{\n${indent(entries.join('\n'))}\n}`
  }

  #key(property: ts.Symbol, name: string): string | undefined {
    if (!name.startsWith('__@')) return toKey(property.name)
    // A brand. Its symbol is declared once per file.
    const declaration = property.declarations?.[0] as ts.PropertySignature | undefined
    const expression =
      declaration?.name && this.#ts.isComputedPropertyName(declaration.name) ? declaration.name.expression : undefined
    const symbol = expression && this.#checker.getSymbolAtLocation(expression)
    if (!symbol || /^Symbol\b/.test(expression.getText())) return undefined
    const target = symbol.flags & this.#ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol
    let key = this.#symbols.get(target)
    if (key === undefined) {
      key = this.#freeName(target.name)
      this.#symbols.set(target, key)
      this.#declarations.set(key, `declare const ${key}: unique symbol`)
    }
    return `[${key}]`
  }

  // With `exactOptionalPropertyTypes`, TypeScript tells absent from `undefined`. Without it, a caller can give both, and a
  // result, which was JSON, has no `undefined`.
  #optional(type: ts.Type, place: string, side: Side, label: string): string {
    if (!this.#isExact && side === 'options') return this.print(type, place, side, label)
    const given = this.#isExact ? this.#checker.getUndefinedType() : undefined
    const all = type.isUnion() ? type.types : [type]
    const rest = all.filter((one) => !(one.flags & this.#ts.TypeFlags.Undefined) || one === given)
    return rest.length < all.length ? this.#union(rest, place, side, label) : this.print(type, place, side, label)
  }

  // The compiler has no public way to tell whether a mapped type's property is readonly.
  #isReadonly(property: ts.Symbol): boolean {
    const { links } = property as { links?: { readonly checkFlags?: number } }
    const { valueDeclaration, declarations } = property
    return (
      !!((links?.checkFlags ?? 0) & 8) ||
      (!!valueDeclaration &&
        !!(this.#ts.getCombinedModifierFlags(valueDeclaration) & this.#ts.ModifierFlags.Readonly)) ||
      (!!declarations?.some(this.#ts.isGetAccessor) && !declarations.some(this.#ts.isSetAccessor))
    )
  }

  #nameOf(type: ts.Type): string | undefined {
    const { aliasSymbol, aliasTypeArguments: args } = type
    // `Jsonify` and `Sent` keep the name of the type that they convert.
    if (aliasSymbol && /^(?:Jsonify|Sent)/.test(aliasSymbol.name) && args?.length) return this.#nameOf(args[0]!)
    const symbol = aliasSymbol ?? type.symbol
    const isOfPackage = symbol?.declarations?.some((one) =>
      this.#program.isSourceFileFromExternalLibrary(one.getSourceFile()),
    )
    return symbol && !isOfPackage && symbol.name !== 'Flat' && /^[A-Z]\w*$/.test(symbol.name) ? symbol.name : undefined
  }

  #freeName(wanted: string): string {
    const taken = (name: string): boolean =>
      this.#declarations.has(name) ||
      [...this.#open.values()].some((open) => open.name === name) ||
      this.#scoped().has(name) ||
      this.#reserved.has(name)
    if (!taken(wanted)) return wanted
    for (let count = 2; ; count++) if (!taken(`${wanted}${count}`)) return `${wanted}${count}`
  }
}

const isHidden = (ts: TypeScript, property: ts.Symbol): boolean =>
  !!property.declarations?.some(
    (one) =>
      ts.getCombinedModifierFlags(one) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected) ||
      (ts.isClassElement(one) && !!one.name && ts.isPrivateIdentifier(one.name)),
  )
