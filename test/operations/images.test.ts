/** `chart images`: what charts name, in the shapes that charts have. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openLayout } from '../../src/layout/layout.js';
import { type ChartImages, findImages, mergeImages } from '../../src/operations/images.js';
import { regsyncConfig, skopeoList } from '../../src/operations/images-lists.js';
import { formatImage, parseImage } from '../../src/operations/images-reference.js';
import { temporaryDirectory } from '../helpers/fixtures.js';
import { runChart } from '../helpers/run.js';

type Files = Readonly<Record<string, string>>;

function write(directory: string, files: Files): string {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }
  return directory;
}

const chartYaml = (name: string, more = ''): string => `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n${more}`;

async function look(t: TestContext, files: Files): Promise<ChartImages> {
  const directory = write(join(temporaryDirectory(t), 'app'), {
    'Chart.yaml': chartYaml('app', 'appVersion: "2.5"\n'),
    ...files,
  });
  const layout = openLayout(join(directory, 'no-cache'), { readOnly: true });
  const [outcome] = await findImages({ layout }, [directory]);
  if (outcome?.error) throw outcome.error;
  return outcome?.result as ChartImages;
}

const names = ({ images }: ChartImages): string[] => images.map(({ image }) => image);

test('reads references as Docker does', () => {
  const cases: [string, string | undefined][] = [
    ['nginx', 'docker.io/library/nginx:latest'],
    ['acme/app:1', 'docker.io/acme/app:1'],
    ['localhost/app', 'localhost/app:latest'],
    ['quay.io:443/acme/app:v1', 'quay.io:443/acme/app:v1'],
    ['index.docker.io/nginx:1', 'docker.io/library/nginx:1'],
    [`app@sha256:${'a'.repeat(64)}`, `docker.io/library/app@sha256:${'a'.repeat(64)}`],
    [`app:1@sha256:${'a'.repeat(64)}`, `docker.io/library/app:1@sha256:${'a'.repeat(64)}`],
    ['https://example.com/x', undefined],
    ['Not An Image', undefined],
    ['app:1+build', undefined],
    ['UPPER/app', undefined],
    ['app@sha256:short', undefined],
  ];
  for (const [text, expected] of cases) {
    const parsed = parseImage(text);
    assert.equal(parsed && formatImage(parsed), expected, text);
  }
});

test('finds every shape of an image in values', async (t) => {
  const found = await look(t, {
    'values.yaml': `
image: {registry: quay.io, repository: acme/app, tag: "1.0", pullPolicy: Always}
sidecar:
  image: envoyproxy/envoy:v1.30
old:
  image: redis
  imageTag: 6
  testImage: busybox:1.36
named:
  image: {name: ghcr.io/acme/named, tag: 3}
pinned:
  image: {repository: acme/pinned, tag: "1", digest: sha256:${'b'.repeat(64)}}
untagged:
  image: {repository: acme/untagged, tag: ""}
nested:
  image: {registry: gcr.io, image: tools/nested, tag: "7"}
relatedImages:
  - quay.io/acme/first:1
  - {repository: quay.io/acme/second, tag: "2"}
images:
  third: quay.io/acme/third:3
git: {repository: https://github.com/acme/app, tag: main}
chart: {repository: acme/not-an-image}
imagePullPolicy: Always
imagePullSecrets: [regcred]
baseImage: ""
`,
  });
  assert.deepEqual(names(found), [
    'docker.io/acme/pinned:1@sha256:' + 'b'.repeat(64),
    'docker.io/acme/untagged:2.5',
    'docker.io/envoyproxy/envoy:v1.30',
    'docker.io/library/busybox:1.36',
    'docker.io/library/redis:6',
    'gcr.io/tools/nested:7',
    'ghcr.io/acme/named:3',
    'quay.io/acme/app:1.0',
    'quay.io/acme/first:1',
    'quay.io/acme/second:2',
    'quay.io/acme/third:3',
  ]);
  const untagged = found.images.find(({ image }) => image.includes('untagged'));
  assert.deepEqual(untagged?.places, [{ chart: 'app', where: 'values.yaml: untagged.image', guess: 'appVersion' }]);
  assert.deepEqual(found.open, []);
});

test('tells of what is named as an image and can be none', async (t) => {
  const hex = 'c'.repeat(64);
  const found = await look(t, {
    'Chart.yaml': chartYaml(
      'app',
      'annotations:\n  artifacthub.io/images: |\n    - image: quay.io/Acme/UPPER:1\n    - image: "quay.io/acme/x:{{ .Chart.AppVersion }}"\n    - {name: none}\n',
    ),
    'values.yaml': `
spaced: {image: {repository: acme/app, tag: "1 2"}}
picture: {image: /static/logo.svg}
hashed: {image: {repository: acme/hashed, tag: "1", sha: "${hex}"}}
flat: {imageRepository: acme/flat, imageTag: "9"}
`,
  });
  assert.deepEqual(names(found), [`docker.io/acme/flat:9`, `docker.io/acme/hashed:1@sha256:${hex}`]);
  const annotation = 'Chart.yaml: annotations.artifacthub.io/images';
  assert.deepEqual(found.open, [
    { chart: 'app', where: annotation, text: 'quay.io/Acme/UPPER:1' },
    { chart: 'app', where: annotation, text: 'quay.io/acme/x:{{ .Chart.AppVersion }}' },
    { chart: 'app', where: 'values.yaml: spaced.image', text: 'acme/app:1 2' },
  ]);
});

test('puts the global registry in place of the others', async (t) => {
  const found = await look(t, {
    'values.yaml':
      'global: {imageRegistry: mirror.lan}\nimage: {registry: docker.io, repository: acme/app, tag: "1"}\nother: {image: quay.io/x/y:1}\n',
  });
  assert.deepEqual(names(found), ['mirror.lan/acme/app:1', 'quay.io/x/y:1']);
});

test('reads the annotations of Artifact Hub and Bitnami', async (t) => {
  const found = await look(t, {
    'Chart.yaml': chartYaml(
      'app',
      `annotations:
  artifacthub.io/images: |
    - name: app
      image: quay.io/acme/app:2
      platforms: [linux/amd64]
  images: |
    - name: db
      image: docker.io/acme/db:3
`,
    ),
  });
  assert.deepEqual(found.images, [
    { image: 'docker.io/acme/db:3', places: [{ chart: 'app', where: 'Chart.yaml: annotations.images' }] },
    { image: 'quay.io/acme/app:2', places: [{ chart: 'app', where: 'Chart.yaml: annotations.artifacthub.io/images' }] },
  ]);
});

test('goes into charts within, packed or not, by alias, with what the parent sets, and says what is off', async (t) => {
  const directory = temporaryDirectory(t);
  write(join(directory, 'cache'), {
    'Chart.yaml': chartYaml('cache', 'appVersion: "7"\n'),
    'values.yaml': 'image: {repository: acme/cache}\nglobal: {imageRegistry: ""}\n',
  });
  const packed = await runChart(['save', join(directory, 'cache'), 'cache:1.0.0'], { home: directory });
  assert.equal(packed.exit, 0, packed.stderr);
  const exported = await runChart(['export', '--tgz', 'cache:1.0.0', '-d', directory], { home: directory });
  assert.equal(exported.exit, 0, exported.stderr);
  const app = write(join(directory, 'app'), {
    'Chart.yaml': chartYaml(
      'app',
      `dependencies:
  - {name: cache, version: 1.0.0, repository: "", alias: sessions}
  - {name: cache, version: 1.0.0, repository: "", alias: pages, condition: pages.enabled}
  - {name: db, version: 1.0.0, repository: ""}
`,
    ),
    'values.yaml':
      'sessions: {image: {tag: "8"}}\npages: {enabled: false}\ndb: {image: null}\nglobal: {imageRegistry: mirror.lan}\n',
    'charts/db/Chart.yaml': chartYaml('db'),
    'charts/db/values.yaml': 'image: acme/db:1\nbackup: {image: acme/backup:1}\n',
  });
  cpSync(join(directory, 'cache-1.0.0.tgz'), join(app, 'charts', 'cache-1.0.0.tgz'));
  const layout = openLayout(join(directory, 'none'), { readOnly: true });
  const [outcome] = await findImages({ layout }, [app]);
  const found = outcome?.result as ChartImages;
  assert.deepEqual(found.images, [
    { image: 'docker.io/acme/backup:1', places: [{ chart: 'app/charts/db', where: 'values.yaml: backup.image' }] },
    {
      image: 'mirror.lan/acme/cache:7',
      places: [{ chart: 'app/charts/pages', where: 'values.yaml: image', guess: 'appVersion', offBy: 'pages.enabled' }],
    },
    { image: 'mirror.lan/acme/cache:8', places: [{ chart: 'app/charts/sessions', where: 'values.yaml: image' }] },
  ]);
  // The same out of the cache.
  const saved = await runChart(['save', app, 'registry.example.com/app:1.0.0'], { home: directory });
  assert.equal(saved.exit, 0, saved.stderr);
  rmSync(app, { recursive: true });
  const listed = await runChart(['images', 'registry.example.com/app:1.0.0', '-o', 'list'], { home: directory });
  assert.equal(listed.stdout, 'docker.io/acme/backup:1\nmirror.lan/acme/cache:7\nmirror.lan/acme/cache:8\n');
  assert.match(listed.stderr, /^Warning: the tag of mirror\.lan\/acme\/cache:7 is a guess: the appVersion\n$/);
});

test('reads what lines of templates say, and tells which may say more', async (t) => {
  const found = await look(t, {
    'values.yaml':
      'image: {repository: acme/app, tag: "1"}\nregistry: quay.io\njobTag: "9"\nempty: []\nsidecars: [{image: acme/side:1}]\n',
    'templates/_helpers.tpl': `
{{- define "app.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- define "app.other" -}}
{{ .Values.elsewhere.image }}
{{- end }}`,
    'templates/all.yaml': `
image: busybox:1.36  # a literal
- image: "{{ .Values.registry }}/tools/job:{{ .Values.jobTag }}"
- image: "acme/{{ .Chart.Name }}:{{ .Chart.AppVersion }}"
image: {{ include "app.image" . }}
image: {{ include "app.other" . | quote }}
image: {{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- range .Values.sidecars }}
  image: {{ .image }}
{{- end }}
{{- range .Values.empty }}
  image: {{ .image }}
{{- end }}
{{/* image: not/seen:1 */}}
image: {{ .Files.Get "x" }}
imagePullPolicy: Always
image: {{ .Values.registry }}/{{ .Values.unknown | default "fallback" }}:{{ .Values.jobTag }}
`,
  });
  assert.deepEqual(names(found), [
    'docker.io/acme/app:1',
    'docker.io/acme/app:2.5',
    'docker.io/acme/side:1',
    'docker.io/library/busybox:1.36',
    'quay.io/fallback:9',
    'quay.io/tools/job:9',
  ]);
  assert.deepEqual(
    found.open.map(({ where }) => where),
    ['templates/all.yaml:6', 'templates/all.yaml:15'],
  );
});

test('does not break at values that are no mapping of anything, nor at hostile ones', async (t) => {
  const deep = `a: ${'['.repeat(50)}${']'.repeat(50)}\n`;
  assert.deepEqual(names(await look(t, { 'values.yaml': deep })), []);
  assert.deepEqual(names(await look(t, { 'values.yaml': '' })), []);
  await assert.rejects(look(t, { 'values.yaml': '- a\n- b\n' }), { code: 'CHART_INVALID' });
  await assert.rejects(look(t, { 'values.yaml': 'a: [\n' }), { code: 'CHART_INVALID' });
  const templated = await look(t, { 'values.yaml': 'image: "{{ .Values.global.registry }}/app:1"\n' });
  assert.deepEqual(templated.open, [
    { chart: 'app', where: 'values.yaml: image', text: '{{ .Values.global.registry }}/app:1' },
  ]);
  const proto = await look(t, {
    'values.yaml': '__proto__: {image: acme/p:1}\nconstructor: {image: {repository: acme/c, tag: 1}}\n',
  });
  assert.deepEqual(names(proto), ['docker.io/acme/c:1', 'docker.io/acme/p:1']);
});

test('lists for regsync and skopeo', async (t) => {
  const found = await look(t, {
    'values.yaml': `image: acme/app:1\nother: {image: "quay.io/x/y@sha256:${'c'.repeat(64)}"}\nthird: {image: {repository: acme/app, tag: "1.10"}}\n`,
  });
  const images = mergeImages([found, found]);
  assert.equal(images.length, 3);
  assert.deepEqual(images, found.images, 'a chart under two names is listed once');
  assert.deepEqual(skopeoList(images), {
    'docker.io': { images: { 'acme/app': ['1', '1.10'] } },
    'quay.io': { images: { 'x/y': [`sha256:${'c'.repeat(64)}`] } },
  });
  assert.deepEqual(regsyncConfig(images, 'registry.lan:5000/mirror'), {
    version: 1,
    sync: [
      { source: 'docker.io/acme/app:1', target: 'registry.lan:5000/mirror/acme/app:1', type: 'image' },
      { source: 'docker.io/acme/app:1.10', target: 'registry.lan:5000/mirror/acme/app:1.10', type: 'image' },
      {
        source: `quay.io/x/y@sha256:${'c'.repeat(64)}`,
        target: `registry.lan:5000/mirror/x/y@sha256:${'c'.repeat(64)}`,
        type: 'image',
      },
    ],
  });
  assert.throws(() => regsyncConfig(images, 'not a host'), { code: 'USAGE' });
});
