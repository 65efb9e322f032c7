/**
 * What is peculiar to registries that many people use, for hints: who they are is seen by the host, or by their words where
 * they run under any name.
 */

import { isLoopbackName } from './endpoint.js';

/** A refusal, as far as a hint depends on it. */
export interface Refused {
  readonly host: string;
  /** The path of the repository, where it is about one. */
  readonly repository: string | undefined;
  readonly status: number;
  /** In upper case. */
  readonly code: string | undefined;
  readonly words: string;
}

interface Peculiarity {
  readonly host?: RegExp;
  readonly when: (refused: Refused) => boolean;
  readonly hint: (refused: Refused) => string;
}

const missing = ({ status, code }: Refused): boolean =>
  code === 'NAME_UNKNOWN' || (status === 404 && code === 'NOT_FOUND');
const denied = ({ status }: Refused): boolean => status === 401 || status === 403;
const says =
  (words: RegExp) =>
  (refused: Refused): boolean =>
    words.test(refused.words);

const ECR = /(?:^|\.)dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?(?::\d+)?$/;
const ACR = /^([a-z0-9-]+)\.azurecr\.(?:io|cn|us)(?::\d+)?$/;
const GAR = /(?:^|\.|-)(?:docker\.pkg\.dev|gcr\.io)(?::\d+)?$/;
const GHCR = /^ghcr\.io(?::\d+)?$/;
const HUB = /^(?:docker\.io|index\.docker\.io|registry-1\.docker\.io)$/;
const QUAY = /^quay\.io(?::\d+)?$/;

/** The first that fits counts. */
const PECULIARITIES: readonly Peculiarity[] = [
  {
    when: (refused) => refused.status === 400 && says(/https (?:server|port)/i)(refused),
    hint: ({ host }) =>
      isLoopbackName(host)
        ? 'localhost is spoken to without TLS: for TLS add --ca-file FILE or --insecure-skip-tls-verify.'
        : `${host} speaks TLS: leave out --plain-http.`,
  },
  {
    host: ECR,
    when: missing,
    hint: ({ host, repository = 'PATH' }) =>
      `A repository of ECR must exist before anything is pushed to it: aws ecr create-repository --region ${ECR.exec(host)?.[1]} --repository-name ${repository}.`,
  },
  {
    host: ECR,
    when: denied,
    hint: ({ host }) =>
      `A password of ECR lasts 12 hours: aws ecr get-login-password --region ${ECR.exec(host)?.[1]} | chart registry login ${host} -u AWS --password-stdin.`,
  },
  {
    host: ACR,
    when: denied,
    hint: ({ host }) =>
      `A token of ACR lasts 3 hours: az acr login --name ${ACR.exec(host)?.[1]}, or chart registry login ${host} with a service principal or a token of the registry that may do this.`,
  },
  {
    host: GAR,
    when: (refused) => denied(refused) || missing(refused),
    hint: ({ host }) =>
      `The repository must exist (gcloud artifacts repositories create --repository-format docker), and an access token lasts an hour: gcloud auth print-access-token | chart registry login ${host} -u oauth2accesstoken --password-stdin.`,
  },
  {
    host: GHCR,
    when: denied,
    hint: ({ host }) =>
      `GHCR wants a personal access token (classic) with the scope write:packages to push and read:packages to pull what is private: chart registry login ${host}.`,
  },
  {
    host: HUB,
    when: ({ status }) => status === 429,
    hint: () =>
      'Docker Hub counts pulls by account, or by address for those who are not logged in: log in with chart registry login docker.io, or try again later.',
  },
  {
    host: HUB,
    when: denied,
    hint: () =>
      'Docker Hub takes charts under docker.io/ACCOUNT/CHART: log in with chart registry login docker.io, with an access token that may write.',
  },
  {
    host: QUAY,
    when: denied,
    hint: ({ host }) =>
      `Quay takes a robot account (ACCOUNT+ROBOT) that may write to the repository: chart registry login ${host}.`,
  },
  {
    when: says(/this registry is read-only/),
    hint: ({ host }) => `If ${host} is a chart serve of yours, start it with --writable.`,
  },
  {
    when: says(/project .*not found/i),
    hint: ({ repository }) =>
      `The first part of the path is a project, which must exist before anything is pushed to it${repository ? `: create ${repository.split('/', 1)[0]}` : ''}.`,
  },
  {
    when: says(/unauthorized to access repository/i),
    hint: ({ host }) =>
      `The project may not exist, or the account, or robot account, may not do this in it: chart registry login ${host}.`,
  },
  {
    when: says(/immutable/i),
    hint: () => 'The tag is there and may not be changed: push under another version, or have the rule changed.',
  },
  {
    when: ({ code, status }) => code === 'MANIFEST_INVALID' || (status === 415 && code === undefined),
    hint: ({ host }) =>
      `${host} may not allow artifacts of this kind, or with this kind of layer (a provenance file): ask who runs it for Helm's media types.`,
  },
];

/** What to do, or undefined where nothing is peculiar. */
export function peculiarHint(refused: Refused): string | undefined {
  const found = PECULIARITIES.find(
    ({ host, when }) => (host === undefined || host.test(refused.host)) && when(refused),
  );
  return found?.hint(refused);
}
