import { Argument } from 'commander';
import { completionScript, SHELLS, type Shell } from '../completion/scripts.js';
import type { Configure } from '../configure.js';

export const configure: Configure = (command, context) => {
  command.addArgument(new Argument('<shell>', 'the shell to complete in').choices(SHELLS)).addHelpText(
    'after',
    `
Completes commands, options, references in the cache, registries that are logged in to, and files.

To load it in every new shell:
  bash         echo 'source <(chart completion bash)' >> ~/.bashrc
  zsh          echo 'source <(chart completion zsh)' >> ~/.zshrc      (after compinit)
  fish         chart completion fish > ~/.config/fish/completions/chart.fish
  powershell   Add-Content $PROFILE 'chart completion powershell | Out-String | Invoke-Expression'

Examples:
  chart completion zsh > "\${fpath[1]}/_chart"
  source <(chart completion bash)`,
  );
  command.action((shell: Shell) => context.stdout.write(completionScript(shell)));
};
