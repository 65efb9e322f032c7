import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import bcrypt from 'bcryptjs';
import { isChartError } from '../../src/errors.js';
import { parseHtpasswd } from '../../src/server/htpasswd.js';
import { type ComparePassword, Passwords } from '../../src/server/passwords.js';

const ANN = bcrypt.hashSync('correct horse', 4);
const BOB = bcrypt.hashSync('battery: staple', 6).replace(/^\$2.\$/, '$2y$');

/** The costs of the comparisons that a check made. */
function counting(hashes: Record<string, string>) {
  const costs: number[] = [];
  const compare: ComparePassword = async (password, hash) => {
    costs.push(Number(hash.slice(4, 6)));
    return bcrypt.compare(password, hash);
  };
  return { costs, passwords: new Passwords(new Map(Object.entries(hashes)), compare) };
}

describe('a password file', () => {
  it('has a user and a bcrypt hash a line, as htpasswd -B writes it', () => {
    const hashes = parseHtpasswd(`\uFEFF# people\nann:${ANN}\r\n\nbob:${BOB}\n`, 'users');
    assert.deepEqual(
      [...hashes],
      [
        ['ann', ANN],
        ['bob', BOB],
      ],
    );
  });

  it('takes nothing but bcrypt, and names the line but neither user nor hash', () => {
    const md5 = '$apr1$Q9wXw1vM$Z5yQp0vN5j8u7mJ1x2K3d0';
    const others = [
      md5,
      '{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=',
      'plaintext',
      '$2y$10$short',
      `$2y$31$${'a'.repeat(53)}`,
      '',
    ];
    for (const hash of others) {
      assert.throws(
        () => parseHtpasswd(`ann:${ANN}\nsecretuser:${hash}\n`, 'users'),
        (error) =>
          isChartError(error, 'CREDENTIALS_INVALID') &&
          error.message.includes('users: line 2') &&
          !error.message.includes('secretuser') &&
          (hash === '' || !error.message.includes(hash)),
      );
    }
    for (const text of ['', '# nobody\n', 'no colon', `:${ANN}`, `ann:${ANN}\nann:${BOB}`]) {
      assert.throws(
        () => parseHtpasswd(text, 'users'),
        (error) => isChartError(error, 'CREDENTIALS_INVALID'),
        text,
      );
    }
  });
});

describe('a password', () => {
  it('is right for its user alone', async () => {
    const { passwords } = counting({ ann: ANN, bob: BOB });
    assert.equal(await passwords.check('ann', 'correct horse'), true);
    assert.equal(await passwords.check('bob', 'battery: staple'), true);
    for (const [user, password] of [
      ['ann', 'battery: staple'],
      ['bob', 'correct horse'],
      ['ann', ''],
      ['', ''],
      ['carol', 'correct horse'],
      ['__proto__', 'x'],
      ['ann', ANN],
    ] as const) {
      assert.equal(await passwords.check(user, password), false, `${user}:${password}`);
    }
  });

  it('is compared with as much work for every user, known or not', async () => {
    const work = async (user: string): Promise<number> => {
      const { costs, passwords } = counting({ ann: ANN, bob: BOB });
      assert.equal(await passwords.check(user, 'wrong'), false);
      return costs.reduce((sum, cost) => sum + 2 ** cost, 0);
    };
    assert.deepEqual([await work('ann'), await work('bob'), await work('nobody')], [64, 64, 64]);
  });

  it('is compared once, and after that found at once', async () => {
    const { costs, passwords } = counting({ ann: ANN });
    assert.equal(passwords.isProven('ann', 'correct horse'), false);
    const checks = Array.from({ length: 10 }, () => passwords.check('ann', 'correct horse'));
    assert.deepEqual(new Set(await Promise.all(checks)), new Set([true]));
    assert.deepEqual(costs, [4]);
    assert.equal(passwords.isProven('ann', 'correct horse'), true);
    assert.equal(passwords.isProven('ann', 'correct hors'), false);
    assert.equal(passwords.isProven('bob', 'correct horse'), false);
  });

  it('that is wrong is compared each time, and guessing makes no queue without end', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const passwords = new Passwords(new Map([['ann', ANN]]), () => held.then(() => false));
    const results = Promise.allSettled(Array.from({ length: 100 }, (_, n) => passwords.check('ann', `guess ${n}`)));
    release();
    const refused = (await results).filter(({ status }) => status === 'rejected');
    assert.equal(refused.length, 36);
    assert.equal(await passwords.check('ann', 'guess'), false);
  });
});
