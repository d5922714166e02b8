/** Which project a command is about: found without reading the config. */
export type Target =
  | { readonly kind: 'named'; readonly name: string }
  /** `config` null: none was found; the folder may still be one of `reeve run`. */
  | { readonly kind: 'folder'; readonly folder: string; readonly config: string | null };
