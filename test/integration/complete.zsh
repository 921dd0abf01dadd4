# Types a line, tabs included, into an interactive zsh that has the completion of $1, and prints what the line became.
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "autoload -Uz compinit; compinit -u -D; source $1; setopt no_beep no_list_beep; wsedge() { print -r -- GOT\":\$*:\"END }; print REA\"\"DY"
zpty -r z out '*READY*'
zpty -w z "$2"
zpty -r z out '*GOT:*:END*'
out=${out##*GOT:}
print -r -- "${out%%:END*}"
