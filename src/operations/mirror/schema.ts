/** The schema of a mirror file. `schemas/mirror.schema.json` is this, for editors; a test holds the two together. */

const VERSION_RULES = {
  version: {
    type: 'string',
    description: 'Versions to take, as Helm reads ranges: "^1.4", ">=2.0.0 <3", "1.2.3". Without it, every release.',
  },
  limit: { type: 'integer', minimum: 1, description: 'How many versions of each chart, newest first.' },
  prerelease: { type: 'boolean', description: 'Take prereleases, too.' },
  dependencies: {
    type: 'boolean',
    description: 'Take along the charts that Chart.yaml names as dependencies with a repository of their own.',
  },
  referrers: { type: 'boolean', description: 'Take along what is attached to the charts, such as signatures.' },
} as const;

const ENVIRONMENT_NAME = { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$' } as const;
const PATTERNS = {
  oneOf: [
    { type: 'string', minLength: 1 },
    { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
  ],
} as const;

export const MIRROR_SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: 'urn:helm-chart-cache:mirror:1',
  title: 'chart mirror file',
  type: 'object',
  additionalProperties: false,
  required: ['version', 'charts'],
  properties: {
    version: { const: 1, description: 'The version of this format.' },
    target: {
      type: 'string',
      minLength: 1,
      description:
        'Where the charts go: oci://HOST/PREFIX, "cache", or a bundle such as charts.bundle.tar. --to says otherwise. With {name}, {path} or {version}, exactly there.',
    },
    mediaType: {
      enum: ['legacy', 'current'],
      description:
        'Layer type of charts from classic repositories: legacy can be read by Helm 3.6.3, current is that of Helm 3.7.',
    },
    defaults: {
      type: 'object',
      additionalProperties: false,
      properties: VERSION_RULES,
      description: 'For entries that do not say otherwise.',
    },
    registries: {
      type: 'object',
      propertyNames: { pattern: '^[A-Za-z0-9.\\[\\]:-]+$' },
      description: 'How registries and classic repositories are reached, by HOST[:PORT].',
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        properties: {
          username: { type: 'string', minLength: 1 },
          usernameEnv: { ...ENVIRONMENT_NAME, description: 'The environment variable that holds the user name.' },
          passwordEnv: {
            ...ENVIRONMENT_NAME,
            description: 'The environment variable that holds the password or token.',
          },
          plainHttp: { type: 'boolean', description: 'HTTP without TLS; for registries.' },
          insecureSkipTlsVerify: { type: 'boolean', description: 'Accept any certificate.' },
          caFile: { type: 'string', description: "Certificate authorities to trust beside the system's." },
          certFile: { type: 'string', description: 'A client certificate.' },
          keyFile: { type: 'string', description: "The client certificate's key." },
          passCredentials: {
            type: 'boolean',
            description: 'Send the credentials of a classic repository to other hosts that its index names, too.',
          },
        },
      },
    },
    charts: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['source'],
        properties: {
          source: {
            type: 'string',
            minLength: 1,
            description:
              'oci://HOST/PATH, oci://HOST/PATH/* (all that the registry lists), https://HOST/PATH (a classic repository), a directory with an index.yaml, "cache", or a bundle.',
          },
          name: {
            type: 'string',
            minLength: 1,
            description:
              'Of a source with several charts: the one of this name, or those that fit a pattern with * and ?.',
          },
          ...VERSION_RULES,
          include: { ...PATTERNS, description: 'Only charts whose name or path one of these patterns fits.' },
          exclude: { ...PATTERNS, description: 'No charts whose name or path one of these patterns fits.' },
          target: {
            type: 'string',
            minLength: 1,
            description:
              'Another name below the target: "team/{name}", with {name}, {path} and {version}; or oci://HOST/...',
          },
        },
      },
    },
  },
} as const;
