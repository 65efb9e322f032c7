/** What a registry sends, and a terminal would act upon, is never shown as it came. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { listen } from '../helpers/listen.js';
import { chartCommand } from '../helpers/run.js';
import { missingTerminal, runOnTerminal } from '../helpers/terminal.js';

const noTerminal = missingTerminal();
const skip = noTerminal === undefined ? false : `not installed: ${noTerminal}`;

describe('GHSA-c38g-469g-cmgx', () => {
  const EVIL = '\u001b[31m\u009b31m\u0007\u202Eevil\r';
  const manifest = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json' };
  const answers: Record<string, (response: ServerResponse) => void> = {
    'an error body': (response) => {
      response.writeHead(403, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ errors: [{ code: `DENIED${EVIL}`, message: EVIL, detail: EVIL }] }));
    },
    'an error body that is no JSON': (response) => response.writeHead(500).end(EVIL),
    'a challenge': (response) => {
      const latin = '\u009b31m';
      response.setHeader('www-authenticate', `Bearer realm="http://127.0.0.1:1/${latin}",service="${latin}"`);
      response.writeHead(401).end();
    },
    headers: (response) => {
      response.setHeader('warning', '299 - "\u009b31m evil"');
      response.setHeader('docker-content-digest', '\u009b31m');
      response.setHeader('content-type', 'text/\u009b31m');
      response.writeHead(200).end('{}');
    },
    'a place to go to': (response) => {
      response.setHeader('location', 'http://127.0.0.1:1/\u009b31m');
      response.writeHead(307).end();
    },
    'a manifest': (response) => {
      response.setHeader('content-type', manifest.mediaType);
      const config = { mediaType: `a/${EVIL}`, digest: EVIL, size: 1 };
      response.end(JSON.stringify({ ...manifest, config, layers: [], annotations: { [EVIL]: EVIL } }));
    },
    tags: (response) => response.end(JSON.stringify({ name: EVIL, tags: [EVIL, `1.0.0${EVIL}`, '1.0.0'] })),
  };

  for (const [what, answer] of Object.entries(answers)) {
    it(`${what} of a registry never reaches the terminal as it is`, { skip }, async (t) => {
      const host = await listen(t, (_, response) => answer(response));
      const runs: [args: string[], output: 'terminal' | 'pipes'][] = [
        [['pull', `${host}/a:1.0.0`], 'terminal'],
        [['tags', `${host}/a`, '--debug'], 'pipes'],
      ];
      await Promise.all(
        runs.map(async ([args, output]) => {
          const command = [...chartCommand(), ...args, '--no-progress'];
          const result = await runOnTerminal(command, { output, type: [] });
          const shown = (result.screen + result.stdout + result.stderr).replaceAll('\r\n', '\n');
          assert.ok(shown.length > 0);
          const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;
          assert.doesNotMatch(shown, hidden, `${args.join(' ')}\n${JSON.stringify(shown)}`);
        }),
      );
    });
  }
});
