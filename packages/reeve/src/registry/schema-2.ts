/** Version 2: an event names the event that caused it, by its number. */
export const schema2: readonly string[] = ['ALTER TABLE events ADD COLUMN cause INTEGER'];
