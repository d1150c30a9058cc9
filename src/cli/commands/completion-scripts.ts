export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/**
 * The scripts ask the program at each tab, so that they never lag behind an update, and pass what
 * was typed as plain words: nothing of it is ever run. See `candidatesFor` for the answer's form.
 */
export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: `# bash completion for agentrt
_agentrt() {
  local word about
  COMPREPLY=()
  while IFS=$'\\t' read -r word about; do
    if [ "$word" = ":files" ]; then
      compopt -o default
    else
      COMPREPLY+=("$word")
    fi
  done < <(agentrt complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _agentrt agentrt
`,
  zsh: `#compdef agentrt
_agentrt() {
  local -a candidates
  local line
  for line in "\${(@f)$(agentrt complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ "$line" == ":files" ]]; then
      _files
      return
    elif [[ -n "$line" ]]; then
      candidates+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    fi
  done
  _describe 'agentrt' candidates
}
if [ "$funcstack[1]" = "_agentrt" ]; then
  _agentrt "$@"
else
  compdef _agentrt agentrt
fi
`,
  fish: `# fish completion for agentrt
function __agentrt_candidates
  set -l words (commandline -opc) (commandline -ct)
  for line in (agentrt complete -- $words[2..-1] 2>/dev/null)
    if test "$line" = ":files"
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c agentrt -f -a '(__agentrt_candidates)'
`,
};
