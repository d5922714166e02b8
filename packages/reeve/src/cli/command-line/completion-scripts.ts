export type Shell = 'bash' | 'zsh' | 'fish' | 'powershell';

/**
 * Scripts that ask `reeve __complete -- WORD…` for what may come at the last word. It answers with one candidate a line,
 * a tab, and what it means; `:file`, `:folder` and `:command` ask the shell for its own.
 */
const SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# reeve completion for bash: source <(reeve completion bash)
_reeve() {
  local cur=\${COMP_WORDS[COMP_CWORD]} value rest
  COMPREPLY=()
  while IFS=$'\\t' read -r value rest; do
    case $value in
      :file) compopt -o filenames 2>/dev/null; mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$cur") ;;
      :folder) compopt -o filenames 2>/dev/null; mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$cur") ;;
      :command) mapfile -t -O "\${#COMPREPLY[@]}" COMPREPLY < <(compgen -c -- "$cur") ;;
      ?*) COMPREPLY+=("$value") ;;
    esac
  done < <(reeve __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _reeve reeve
`,
  zsh: `#compdef reeve
# reeve completion for zsh: reeve completion zsh > "\${fpath[1]}/_reeve", or source <(reeve completion zsh)
_reeve() {
  local -a described
  local line value what
  while IFS= read -r line; do
    value=\${line%%$'\\t'*}
    what=\${line#*$'\\t'}
    case $value in
      :file) _files ;;
      :folder) _files -/ ;;
      :command) _command_names -e ;;
      ?*) described+=("\${value//:/\\\\:}:$what") ;;
    esac
  done < <(command reeve __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#described} )) && _describe -V reeve described
}
if [[ $funcstack[1] == _reeve ]]; then _reeve "$@"; else compdef _reeve reeve; fi
`,
  fish: `# reeve completion for fish: reeve completion fish > ~/.config/fish/completions/reeve.fish
function __reeve_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    command reeve __complete -- $before[2..-1] "$current" 2>/dev/null | while read -l line
        switch $line
            case ':file*'
                __fish_complete_path "$current"
            case ':folder*'
                __fish_complete_directories "$current"
            case ':command*'
                __fish_complete_command
            case '*'
                echo $line
        end
    end
end
complete -c reeve -f -a '(__reeve_complete)'
`,
  powershell: `# reeve completion for PowerShell: reeve completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName reeve -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
    & reeve __complete -- @words "$wordToComplete" 2>$null | ForEach-Object {
        $value, $what = $_ -split "\`t", 2
        if ($value.StartsWith(':')) {
            [System.Management.Automation.CompletionCompleters]::CompleteFilename($wordToComplete)
        } else {
            if (-not $what) { $what = $value }
            [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $what)
        }
    }
}
`,
};

export function completionScript(shell: Shell): string {
  return SCRIPTS[shell];
}
