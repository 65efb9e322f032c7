import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { readProgramName, readSettings } from '../../src/cli/settings.js';
import { PROJECT } from '../helpers/fixtures.js';

const PLUGIN = { HELM_PLUGIN_NAME: 'chart', HELM_CONFIG_HOME: '/c', DOCKER_CONFIG: '/d' };

test('both plugin descriptions have the version of the package and start the same program', () => {
  const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));
  const legacy = parse(readFileSync(join(PROJECT, 'plugin.yaml'), 'utf8'));
  const current = parse(readFileSync(join(PROJECT, 'plugin', 'helm4.yaml'), 'utf8'));
  assert.deepEqual([legacy.version, current.version], [version, version]);
  assert.deepEqual([legacy.name, current.name], ['chart', 'chart']);
  const [{ command, args }] = current.runtimeConfig.platformCommand;
  assert.equal([command, ...args].join(' '), legacy.command);
  assert.equal(legacy.description, current.config.longHelp);
});

test('the default credential file that Helm hands to every plugin hides no other file, and logins go there', () => {
  const files = [join('/c', 'registry', 'config.json'), join('/c', 'registry.json')] as const;
  for (const file of files) {
    const { credentialFiles, loginFile, logoutFiles } = readSettings({}, { ...PLUGIN, HELM_REGISTRY_CONFIG: file });
    assert.deepEqual(credentialFiles, [...files, join('/d', 'config.json')]);
    assert.equal(loginFile, file);
    assert.deepEqual(logoutFiles, files);
  }
});

test('a credential file that the user gave to Helm is the only one, under Helm as without it', () => {
  for (const environment of [PLUGIN, { HELM_CONFIG_HOME: '/c' }]) {
    const { credentialFiles, loginFile } = readSettings({}, { ...environment, HELM_REGISTRY_CONFIG: '/mine.json' });
    assert.deepEqual([credentialFiles, loginFile], [['/mine.json'], '/mine.json']);
  }
  const alone = readSettings({}, { HELM_CONFIG_HOME: '/c', HELM_REGISTRY_CONFIG: join('/c', 'registry.json') });
  assert.deepEqual(alone.credentialFiles, [join('/c', 'registry.json')]);
});

test('is called "helm chart" by Helm, and "chart" otherwise, also in a plugin of another name that calls it', () => {
  assert.deepEqual(
    [PLUGIN, {}, { HELM_PLUGIN_NAME: 'other' }].map((environment) => readProgramName(environment)),
    ['helm chart', 'chart', 'chart'],
  );
});
