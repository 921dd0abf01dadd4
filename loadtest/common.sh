# What the scripts of this directory have in common: they source it. By itself it does nothing.

# usage prints the comment at the head of the script.
usage() { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p;}' "$0"; }

# take_options NAMES ARGUMENT...: --NAME VALUE sets the variable of that name, dashes being underscores; --no-build sets build.
take_options() {
	local names=" $1 " name
	shift
	while (($# > 0)); do
		name=${1#--}
		case $1 in
		-h | --help)
			usage
			exit
			;;
		--no-build) build=no ;;
		*)
			[[ $1 == --* && $names == *" $name "* ]] || { echo "${0##*/}: no option $1" >&2; usage >&2; exit 2; }
			[[ $# -ge 2 ]] || { echo "${0##*/}: $1 needs a value" >&2; exit 2; }
			declare -g "${name//-/_}=$2"
			shift
			;;
		esac
		shift
	done
}

# pin SERVER LOAD: which cores each is kept on, where the machine has four; the commands are serve_on and load_on.
serve_on=() load_on=()
pin() {
	if [[ $(nproc --all) -ge 4 ]] && command -v taskset >/dev/null; then
		serve_on=(taskset -c "$1") load_on=(taskset -c "$2")
	fi
}

# The process of the server that runs now.
server=''
stop_server() {
	[[ -z $server ]] && return
	kill "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
	server=''
}

# await_server NAME LOG PORT: returns when $server, which has just been started, listens.
await_server() {
	for _ in {1..100}; do
		if (exec 3<>"/dev/tcp/127.0.0.1/$3") 2>/dev/null; then return; fi
		kill -0 "$server" 2>/dev/null || break
		sleep 0.05
	done
	echo "${0##*/}: $1 does not listen:" >&2
	cat "$2" >&2
	exit 1
}

# number FILE KEY [SECTION]: the first number of that key in a report of wsload, behind the beginning of a section.
number() {
	awk -v key="\"$2\":" -v section="\"${3:-}\": {" '
		section == "\"\": {" || index($0, section) { found = 1 }
		found && index($0, key) { sub(/.*: */, ""); sub(/,$/, ""); print; exit }' "$1"
}

# median [DECIMALS]: of the numbers read, with three decimals if not told otherwise.
median() {
	sort -g | awk -v decimals="${1:-3}" '{ v[NR] = $1 } END { printf "%.*f\n", decimals, (NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2) }'
}

# ratio A B, with three decimals; 0 where there is no B.
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", (b > 0 ? a / b : 0) }'; }
