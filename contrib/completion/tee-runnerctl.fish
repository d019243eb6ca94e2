# fish completion of tee-runnerctl(8)
set -l commands status wait reload upgrade explain primitives policy config
complete -c tee-runnerctl -f
complete -c tee-runnerctl -n "not __fish_seen_subcommand_from $commands" -a status -d 'state of the running service'
complete -c tee-runnerctl -n "not __fish_seen_subcommand_from $commands" -a wait -d 'wait until the service serves'
complete -c tee-runnerctl -n "not __fish_seen_subcommand_from $commands" -a upgrade -d 'start a successor with the installed version'
complete -c tee-runnerctl -n "not __fish_seen_subcommand_from $commands" -a reload -d 'read the configuration again'
complete -c tee-runnerctl -n "not __fish_seen_subcommand_from $commands" -a explain -d 'what a word means and what to do'
complete -c tee-runnerctl -n "not __fish_seen_subcommand_from $commands" -a primitives -d 'list the operations'
complete -c tee-runnerctl -n "not __fish_seen_subcommand_from $commands" -a policy -d 'list or print the seccomp policies'
complete -c tee-runnerctl -n "not __fish_seen_subcommand_from $commands" -a config -d 'print the attested configuration'
complete -c tee-runnerctl -n '__fish_seen_subcommand_from status wait reload policy' -s s -r -F -d 'control socket'
complete -c tee-runnerctl -n '__fish_seen_subcommand_from status explain primitives policy' -l json -d 'print JSON'
complete -c tee-runnerctl -n '__fish_seen_subcommand_from explain' -a "(tee-runnerctl explain | sed -n 's/^    //p')"
complete -c tee-runnerctl -n '__fish_seen_subcommand_from wait upgrade' -l timeout -x -d 'give up after seconds'
complete -c tee-runnerctl -n '__fish_seen_subcommand_from policy' -a 'monitor net registry keys evidence compute'
complete -c tee-runnerctl -n '__fish_seen_subcommand_from policy' -l text -d 'print the policy'
complete -c tee-runnerctl -n '__fish_seen_subcommand_from policy' -l bpf -d 'print the BPF program'
complete -c tee-runnerctl -n '__fish_seen_subcommand_from policy' -l diff -x -a '(pgrep tee-runnerd)' -d 'compare with a process'
complete -c tee-runnerctl -n '__fish_seen_subcommand_from policy' -l diff-all -d 'compare with the service'
complete -c tee-runnerctl -n '__fish_seen_subcommand_from config' -l hash -d 'print the hash alone'
complete -c tee-runnerctl -n '__fish_seen_subcommand_from config upgrade' -s f -r -F -d 'configuration file'
complete -c tee-runnerctl -n '__fish_seen_subcommand_from reload' -l pid -x -d 'the service'
