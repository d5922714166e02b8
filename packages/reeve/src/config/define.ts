import type { Config } from './schema.ts';
import type { ServiceConfig } from './schema-service.ts';

type Dependency = Exclude<NonNullable<ServiceConfig['depends_on']>, readonly unknown[]>[string];

/** A service whose `depends_on` may only name services of the same config. */
export type ServiceOf<Name extends string> = Omit<ServiceConfig, 'depends_on'> & {
  readonly depends_on?: readonly Name[] | { readonly [K in Name]?: Dependency };
};
export type ConfigOf<Name extends string> = Omit<Config, 'services'> & {
  readonly services: { readonly [K in Name]: ServiceOf<NoInfer<Name>> };
};

/** For `reeve.config.ts`: gives the config back as it is, checked and completed by the editor. */
export function defineConfig<const Name extends string>(config: ConfigOf<Name>): ConfigOf<Name> {
  return config;
}
