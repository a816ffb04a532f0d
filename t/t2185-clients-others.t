#!/bin/sh
# What busybox, util-linux, coreutils, glibc, Prometheus's exporter and, where they are at
# hand, node and Java make of the files. What they ask the kernel for by system calls (sysinfo, sched_getaffinity) is
# not looked at.
# run: together
. "$(dirname "$0")/lib.sh"
. "$T_DIR/lib-container.sh"
need_fuse
need_cgroups
need_command busybox lscpu nproc getconf
[ "$(getconf _NPROCESSORS_ONLN)" -ge 2 ] || skip_all 'needs two CPUs'
diag "$(cg_describe)"

list_count() {
	awk -F, '{ for (i = 1; i <= NF; i++) { n++; if (split($i, r, "-") == 2) n += r[2] - r[1] } } END { print n + 0 }'
}

meminfo() {
	ct_exec o awk -v k="$1:" '$1 == k { print $2 }' /proc/meminfo
}

lscpu_has() {
	ct_exec o lscpu | sed -n "s/^$1: *//p"
}

# What a JVM says of the CPUs as it starts: all, and the model, from possible and cpuinfo;
# those it may use are the kernel's to say.
[ -n "$(command -v java)" ] || diag 'no java here'
check_java() {
	ct_exec o java -Xmx32m -Xlog:os+cpu -version >"$TMP/java" 2>&1
	is "$(sed -n 's/.*CPU: total \([0-9]*\) .*/\1/p' "$TMP/java")" "$(ct_exec o getconf _NPROCESSORS_CONF)" "$1: CPUs of the JVM" ||
		diag "$(head -n 5 "$TMP/java")"
	is "$(sed -n 's/.*\(model name\t: .*\)/\1/p' "$TMP/java")" "$(ct_exec o sed -n '/^model name/{p;q;}' /proc/cpuinfo)" "$1: their model"
}

# Each CPU has the model of the host's and a counted time.
check_node() {
	is "$(ct_exec o node -p 'os.cpus().length')" "$1" "$2: node's os.cpus()"
	is "$(ct_exec o node -p '[...new Set(os.cpus().map(c => c.model))].join()')" \
		"$(ct_exec o sed -n 's/^model name\t: //p' /proc/cpuinfo | sort -u)" "$2: node's models"
	is "$(ct_exec o node -p 'os.cpus().filter(c => c.times.idle > 0).length')" "$1" "$2: node has the times of each"
}

# Prometheus's exporter numbers CPUs by cpuinfo in one metric and by stat in another. Its version
# 1.5 makes up a CPU without any time for each number that stat leaves out. It listens in the
# host's network, on a port of this test's.
check_exporter() {
	ct_exec o sh -c 'prometheus-node-exporter --web.listen-address=127.0.0.1:$1 \
			--collector.disable-defaults --collector.cpu --collector.cpu.info >/dev/null 2>&1 &
		for i in $(seq 100); do
			busybox wget -q -O - http://127.0.0.1:$1/metrics && break
			sleep 0.1
		done
		kill $!
		wait' sh $((20000 + $$ % 10000)) >"$TMP/metrics" 2>/dev/null
	for m in seconds_total info; do
		is "$(sed -n "/ 0\$/d; s/^node_cpu_$m{.*cpu=\"\([0-9]*\)\".*/\1/p" "$TMP/metrics" | sort -un | tr '\n' ' ')" \
			"$(seq "${2%-*}" "${2#*-}" | tr '\n' ' ')" "$1: node_cpu_$m of the exporter"
	done
}

# cpus WANT TEXT LIST
cpus() {
	is "$(ct_exec o getconf _NPROCESSORS_ONLN)" "$1" "$2: sysconf of CPUs that are online"
	is "$(ct_exec o getconf _NPROCESSORS_CONF)" "$(ct_exec o cat /sys/devices/system/cpu/possible | list_count)" "$2: sysconf of all CPUs"
	online=$(ct_exec o cat /sys/devices/system/cpu/online)
	is "$(lscpu_has 'CPU(s)')" "$1" "$2: lscpu counts those present"
	is "$(lscpu_has 'Off-line CPU(s) list')" '' "$2: lscpu lists none that is off"
	is "$(lscpu_has 'Model name')" "$(lscpu | sed -n 's/^Model name: *//p')" "$2: lscpu has the model"
	is "$(ct_exec o lscpu -e=CPU,ONLINE | awk 'NR > 1 { print $1 $2 }' | tr '\n' ' ')" \
		"$(seq "${3%-*}" "${3#*-}" | sed 's/$/yes/' | tr '\n' ' ')" "$2: lscpu -e lists them"
	is "$(lscpu_has 'On-line CPU(s) list' | list_count)" "$1" "$2: lscpu counts those online"
	is "$(lscpu_has 'On-line CPU(s) list' | tr ',' '-')" "$(echo "$online" | tr ',' '-')" "$2: lscpu lists them"
	[ -z "$(command -v java)" ] || check_java "$2"
	[ -z "$(command -v node)" ] || check_node "$1" "$2"
	[ -z "$(command -v prometheus-node-exporter)" ] || check_exporter "$2" "$3"
}

daemon_start
ct_start o mem=192M cpus=1
cpus 1 'one CPU' 1
is "$(ct_exec o nproc)" 1 'one CPU: nproc'
is "$(ct_exec o busybox nproc)" 1 'one CPU: busybox nproc'
is "$(ct_exec o getconf _NPROCESSORS_CONF) $(ct_exec o nproc --all)" '2 2' 'CPU 1 alone: sysconf and nproc --all count up to it'
cg_set o cpus=0-1
cpus 2 'two CPUs' 0-1
is "$(ct_exec o nproc)" 2 'two CPUs: nproc'

# busybox: the first line of top is meminfo, free takes two columns from there.
used=$(cg_mem_used o)
ct_exec o env TERM=xterm busybox top -b -n1 >"$TMP/top" </dev/null
sed -n 's/^Mem: \([0-9]*\)K used, \([0-9]*\)K free, .*/\1 \2/p' "$TMP/top" | head -n 1 >"$TMP/mem"
read -r in_use free <"$TMP/mem"
is "$((in_use + free))" 196608 'busybox top: used and free are the limit'
is_near "$in_use" $((used / 1024)) 4096 'busybox top: used is what the cgroup has'
is "$(awk '$1 ~ /^[0-9]+$/ { n++ } END { print n + 0 }' "$TMP/top")" 2 'busybox top: pid 1 and itself'
is_near "$(ct_exec o busybox free | awk '/^Mem:/ { print $7 }')" "$(meminfo MemAvailable)" 4096 'busybox free: available'

if [ -n "$(command -v node)" ]; then
	is "$(ct_exec o node -p 'os.totalmem()')" $((192 << 20)) "node's os.totalmem()"
	low=$(ct_exec o cut -d' ' -f1 /proc/uptime)
	up=$(ct_exec o node -p 'os.uptime()')
	high=$(ct_exec o cut -d' ' -f1 /proc/uptime)
	between "$low" "$up" "$high" "node's os.uptime()"
	is_near "$(ct_exec o node -p 'os.freemem()')" $(($(meminfo MemAvailable) << 10)) $((32 << 20)) "node's os.freemem()"
	# Milliseconds of all CPUs since the start, in stat and in node
	low=$(ct_exec o awk '$1 == "cpu" { print ($2 + $3 + $4 + $5) * 10 }' /proc/stat)
	all=$(ct_exec o node -p 'os.cpus().reduce((s, c) => s + c.times.user + c.times.nice + c.times.sys + c.times.idle, 0)')
	high=$(ct_exec o awk '$1 == "cpu" { print ($2 + $3 + $4 + $5) * 10 }' /proc/stat)
	between "$low" "$all" "$high" "node's times of all CPUs"
fi
ct_stop o
daemon_stop

daemon_start --enable-cfs
ct_start o mem=192M cpus=0-1 quota=1
cpus 1 'a quota of one CPU' 0
is "$(lscpu_has 'CPU(s)')" 1 'a quota of one CPU: lscpu'
is "$(ct_exec o getconf _NPROCESSORS_CONF)" 1 'a quota of one CPU: sysconf of all CPUs'
ct_stop o
daemon_stop
done_testing
