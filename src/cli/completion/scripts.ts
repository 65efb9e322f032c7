/**
 * What a shell runs once to complete `chart` from then on. Each script hands the words up to the cursor to `chart __complete` as
 * they are, never through `eval`: at a Tab nothing of what is typed may run.
 */

export const SHELLS = ['bash', 'zsh', 'fish', 'powershell'] as const;

export type Shell = (typeof SHELLS)[number];

/** The script for a shell. */
export function completionScript(shell: Shell): string {
  return SCRIPTS[shell];
}

/**
 * Readline cuts words at the characters of COMP_WORDBREAKS, the colon of a reference among them. They are put together again
 * here, and what it has already is cut off the answers. Works in bash 3.2 too, without the bash-completion package.
 */
const BASH = String.raw`# bash completion for chart
_chart() {
  local rest=\${COMP_LINE:0:$COMP_POINT} count=0 i gap piece
  local -a words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    gap=\${rest%%[![:space:]]*}
    rest=\${rest#"$gap"}
    piece=$rest
    ((i < COMP_CWORD)) && piece=\${COMP_WORDS[i]}
    if ((count > 0)) && [[ -z $gap ]]; then
      words[count - 1]+=$piece
    else
      words[count++]=$piece
    fi
    rest=\${rest#"$piece"}
  done
  local current=\${words[count - 1]} known='' line value directive=0
  if [[ $current == *:* && $COMP_WORDBREAKS == *:* ]]; then
    known=\${current%"\${current##*:}"}
  elif [[ $current == *=* && $COMP_WORDBREAKS == *=* ]]; then
    known=\${current%"\${current##*=}"}
  fi
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :* ]]; then
      directive=\${line#:}
    elif [[ -n $line ]]; then
      value=\${line%%$'\t'*}
      COMPREPLY[\${#COMPREPLY[@]}]=\${value#"$known"}
    fi
  done < <(chart __complete "\${words[@]:1}" 2>/dev/null)
  if ((directive & 16)); then
    compopt -o filenames 2>/dev/null
    while IFS= read -r line; do
      COMPREPLY[\${#COMPREPLY[@]}]=$line
    done < <(compgen -d -- "\${current#"$known"}")
  elif ((directive & 4)); then
    compopt +o default 2>/dev/null
  fi
  return 0
}
complete -o default -F _chart chart
`.replaceAll('\\$', '$');

const ZSH = String.raw`#compdef chart
# zsh completion for chart
_chart() {
  local line directive=0 tab=$'\t'
  local -a found
  for line in "\${(@f)$(chart __complete "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)}"; do
    if [[ $line == :<-> ]]; then
      directive=\${line#:}
    elif [[ $line == *$tab* ]]; then
      found+=("\${\${line%%$tab*}//:/\\:}:\${line#*$tab}")
    elif [[ -n $line ]]; then
      found+=("\${line//:/\\:}")
    fi
  done
  if (( directive & 16 )); then
    [[ $PREFIX == -*=* ]] && compset -P '*='
    _files -/
  elif (( $#found )); then
    _describe chart found
  elif ! (( directive & 5 )); then
    [[ $PREFIX == -*=* ]] && compset -P '*='
    _files
  fi
}
if [[ $funcstack[1] == _chart ]]; then
  _chart "$@"
else
  compdef _chart chart
fi
`.replaceAll('\\$', '$');

const FISH = String.raw`# fish completion for chart
function __chart_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l directive 0
    set -l found
    for line in (chart __complete $words[2..-1] "$current" 2>/dev/null)
        if string match -qr '^:[0-9]+$' -- $line
            set directive (string sub -s 2 -- $line)
        else
            set -a found $line
        end
    end
    set -l path (string replace -r '^--[^=]*=' '' -- "$current")
    if test $directive -eq 16
        __fish_complete_directories "$path" ''
    else if test (count $found) -gt 0
        printf '%s\n' $found
    else if test $directive -eq 0
        __fish_complete_path "$path"
    end
end
complete -c chart -e
complete -c chart -f -a '(__chart_complete)'
`;

const POWERSHELL = String.raw`# PowerShell completion for chart
Register-ArgumentCompleter -Native -CommandName chart -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.StartOffset -lt $cursorPosition } | ForEach-Object {
        $text = $_.Extent.Text
        $text.Substring(0, [Math]::Min($text.Length, $cursorPosition - $_.Extent.StartOffset))
    })
    # An empty argument would be lost on its way: two quotes stand for it.
    if ($wordToComplete -eq '') { $words += '""' }
    $directive = 0
    $found = @(foreach ($line in @(& chart __complete @words 2>$null)) {
        if ($line -match '^:(\d+)$') { $directive = [int]$Matches[1] } elseif ($line) { $line }
    })
    foreach ($line in $found) {
        $value, $description = $line -split [char]9, 2
        if (-not $description) { $description = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $description)
    }
    if ($found.Count -eq 0 -and -not ($directive -band 5)) {
        [System.Management.Automation.CompletionCompleters]::CompleteFilename($wordToComplete)
    }
}
`;

const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH, powershell: POWERSHELL };
