/** A mirror file as it is written. */
import type { LayerFlavour } from '../../artifact.js';
import type { MirrorEntry } from './types.js';

/** How one host is reached, with names of environment variables in place of secrets. */
export interface HostSettings {
  readonly username?: string;
  readonly usernameEnv?: string;
  readonly passwordEnv?: string;
  readonly plainHttp?: boolean;
  readonly insecureSkipTlsVerify?: boolean;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly passCredentials?: boolean;
}

/** What the schema lets through. */
export interface WrittenFile {
  readonly target?: string;
  readonly mediaType?: LayerFlavour;
  readonly defaults?: Partial<MirrorEntry>;
  readonly registries?: Readonly<Record<string, HostSettings>>;
  readonly charts: readonly (Omit<MirrorEntry, 'include' | 'exclude'> & {
    readonly include?: string | readonly string[];
    readonly exclude?: string | readonly string[];
  })[];
}
