/** Milliseconds since 1970, by the wall clock: for people and for the registry. */
export type Instant = number;
/** A length of time in milliseconds. */
export type Millis = number;

/** RFC 3339 in UTC with milliseconds. */
export function iso(at: Instant): string {
  return new Date(at).toISOString();
}
