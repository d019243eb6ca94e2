# bash completion of tee-runnerctl(8)
_tee_runnerctl() {
	local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} words

	case $last in
	-f|-s)	mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
	--diff)	mapfile -t COMPREPLY < <(compgen -W "$(pgrep tee-runnerd)" -- "$word"); return ;;
	--timeout) return ;;
	esac
	if [ "$COMP_CWORD" = 1 ]; then
		words='status wait reload upgrade explain primitives policy config --help --version'
	else
		case $command in
		status)	words='--json -s' ;;
		wait)	words='--timeout -s' ;;
		reload)	words='--pid -s' ;;
		upgrade) words='--timeout -f' ;;
		explain) words="--json $(tee-runnerctl explain | sed -n '/^    [^ ]*$/p')" ;;
		primitives) words='--json' ;;
		policy)	words='monitor net registry keys evidence compute --json --text --bpf --diff --diff-all -s' ;;
		config)	words='--hash -f' ;;
		*)	words= ;;
		esac
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _tee_runnerctl tee-runnerctl
