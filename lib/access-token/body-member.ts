/**
 * Makes a member of a response body that class-transformer (`ClassSerializerInterceptor`) sees. It does not use `toJSON()`: it reads the
 * enumerable members of an instance.
 */
export function bodyMember(name: string): PropertyDescriptor {
  return {
    enumerable: true,
    get(this: { toJSON(): object }) {
      return (this.toJSON() as Readonly<Record<string, unknown>>)[name];
    },
  };
}
