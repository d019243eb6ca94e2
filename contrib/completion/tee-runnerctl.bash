# bash completion of tee-runnerctl(8)
_tee_runnerctl() {
	local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD - 1]}
	local words

	case $last in
	-f|-s|--save|forecast) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
	--diff|--pid) words=$(pgrep -x tee-runnerd) ;;
	--state) words='open received admitted asked granted verified started computed
		signed sent acknowledged published refused lost' ;;
	--timeout|--count) return ;;
	*)	if [ "$COMP_CWORD" = 1 ]; then
			words='status wait top tasks task endpoints kms registration evidence
			explain drain resume renew forecast log-level reload upgrade
			primitives policy config --help --version'
		else
			words=$(_tee_runnerctl_words "${COMP_WORDS[1]}")
		fi ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

# The options and arguments of a command.
_tee_runnerctl_words() {
	case $1 in
	status|endpoints|kms|registration) echo '--json -s' ;;
	wait)	echo '--timeout -s' ;;
	top)	echo '--count -s' ;;
	tasks)	echo '--state --json -s' ;;
	task)	echo '--json -s'
		tee-runnerctl tasks 2> /dev/null | sed -n 's/^\(0x[0-9a-f]*\) .*/\1/p' ;;
	evidence) echo '--save --json -s' ;;
	explain) echo '--json'
		tee-runnerctl explain | sed -n '/:/d; s/^    //; t words; d; :words
			s/ /-/g; p' ;;
	drain|resume|renew|forecast) echo '-s' ;;
	log-level) echo 'error warning info debug -s' ;;
	reload)	echo '--pid -s' ;;
	upgrade) echo '--timeout -f' ;;
	primitives) echo '--json' ;;
	policy)	echo 'monitor net nox registry keys evidence compute
		--json --text --bpf --diff --diff-all -s' ;;
	config)	echo '--hash -f' ;;
	esac
}
complete -F _tee_runnerctl tee-runnerctl
