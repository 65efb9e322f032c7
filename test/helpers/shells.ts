/** Asks a shell what it would complete, with the script that `chart completion SHELL` prints. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chartCommand, runProgram } from './run.js';

type TestedShell = 'bash' | 'zsh' | 'fish';

/** Makes `HOME/bin/chart`, for a PATH that has it. */
export function installChart(home: string): string {
  const bin = join(home, 'bin');
  mkdirSync(bin, { recursive: true });
  const command = chartCommand().map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  writeFileSync(join(bin, 'chart'), `#!/bin/sh\nexec ${command.join(' ')} "$@"\n`);
  chmodSync(join(bin, 'chart'), 0o755);
  return bin;
}

/**
 * What a Tab after `line` offers. Bash and fish tell it; zsh completes the line on a pseudo-terminal, and what it has made of
 * the line is the answer.
 */
export async function completeIn(shell: TestedShell, line: string, { home, cwd }: { home: string; cwd: string }) {
  const bin = installChart(home);
  const env = { PATH: `${bin}${delimiter}${process.env.PATH}`, LINE: line, TERM: 'xterm' };
  const { stdout, stderr, exit } = await runProgram([shell, ...ASK[shell]], { home, cwd, env });
  if (exit !== 0) throw new Error(`${shell} failed: ${stderr}${stdout}`);
  return stdout.split('\n').filter((found) => found !== '');
}

/** Readline's part: the line cut at COMP_WORDBREAKS, and files where the function finds nothing and leaves `-o default` on. */
const BASH = String.raw`
source <(chart completion bash)
compopt() { [[ $1 == +o && $2 == default ]] && files=no; return 0; }
COMP_LINE=$LINE COMP_POINT=\${#LINE} COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
rest=$LINE COMP_WORDS=()
while [[ $rest =~ ^[[:space:]]*([=:]+|[^=:[:space:]]+) ]]; do
  COMP_WORDS+=("\${BASH_REMATCH[1]}"); rest=\${rest#"\${BASH_REMATCH[0]}"}
done
[[ -n $rest ]] && COMP_WORDS+=('')
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
_chart
if [[ \${#COMPREPLY[@]} == 0 && $files != no ]]; then compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"; fi
[[ \${#COMPREPLY[@]} == 0 ]] || printf '%s\n' "\${COMPREPLY[@]}"
`.replaceAll('\\$', '$');

const ZSH = String.raw`
zmodload zsh/zpty
zpty -b shell 'TERM=dumb PS1=READY ZDOTDIR=/nonexistent zsh -f -i'
zpty -w shell 'unsetopt prompt_sp prompt_cr zle_bracketed_paste 2>/dev/null; unset zle_bracketed_paste; autoload -Uz compinit && compinit -u -D; source <(chart completion zsh); zstyle ":completion:*" list-prompt ""; show() { print -r -- "<<$BUFFER>>" > $RESULT; }; zle -N show; bindkey "^X" show; print STARTED-$((1+1))'
zpty -r -m shell out '*STARTED-2*'
zpty -w -n shell "$LINE"$'\t'
zpty -w -n shell $'\x18'
integer tries=0
while [[ ! -s $RESULT ]] && (( tries++ < 100 )); do zpty -r -t shell out; sleep 0.05; done
zpty -d shell
result=$(<$RESULT)
print -r -- "\${\${result#<<}%>>}"
`.replaceAll('\\$', '$');

const ASK: Readonly<Record<TestedShell, readonly string[]>> = {
  bash: ['--norc', '-c', BASH],
  zsh: ['-f', '-c', `export RESULT=$HOME/result; rm -f $RESULT; : > $RESULT\n${ZSH}`],
  fish: ['--no-config', '-c', 'chart completion fish | source; complete -C "$LINE"'],
};
