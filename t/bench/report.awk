# From lines of results to the table, or JSON. Input: the machine ("KEY<tab>TEXT"), then
#	val SECTION WORKLOAD SYSTEM METRIC VALUE
#	raw SECTION WORKLOAD SYSTEM COUNT SECONDS P50_NS P99_NS MAX_NS BYTES [CPU_NS SWITCHES]
# Values of the same name are of different rounds: their median is taken.

function add(section, workload, sys, metric, value,    k, w) {
	w = section SUBSEP workload
	k = w SUBSEP sys SUBSEP metric
	if (!(section in nworkloads)) {
		sections[++nsections] = section
		nworkloads[section] = 0
	}
	if (!(w in nsystems)) {
		workloads[section, ++nworkloads[section]] = workload
		nsystems[w] = 0
	}
	if (!((w, sys) in seen)) {
		seen[w, sys] = 1
		systems[w, ++nsystems[w]] = sys
	}
	if (!((section, metric) in known)) {
		known[section, metric] = 1
		metrics[section, ++nmetrics[section]] = metric
	}
	values[k, ++n[k]] = value + 0
}

function median(section, workload, sys, metric,    k, i, j, v, count) {
	k = section SUBSEP workload SUBSEP sys SUBSEP metric
	count = n[k]
	if (!count)
		return ""
	for (i = 2; i <= count; i++) {
		v = values[k, i]
		for (j = i - 1; j > 0 && values[k, j] > v; j--)
			values[k, j + 1] = values[k, j]
		values[k, j + 1] = v
	}
	i = int((count + 1) / 2)
	return count % 2 ? values[k, i] : (values[k, i] + values[k, i + 1]) / 2
}

function number(v) {
	if (v == "")
		return "-"
	if (v == int(v) || v >= 1000)
		return sprintf("%d", v + .5)
	return sprintf(v >= 100 ? "%.0f" : v >= 10 ? "%.1f" : "%.2f", v)
}

function ratio(a, b) {
	return a == "" || !b ? "-" : sprintf("%.2f", a / b)
}

NR == FNR {
	split($0, field, "\t")
	machine[++machines] = field[1]
	text[machines] = field[2]
	next
}

$1 == "val" {
	add($2, $3, $4, $5, $6)
}

$1 == "raw" && $5 > 0 {
	add($2, $3, $4, "per_s", $5 / $6)
	add($2, $3, $4, "p50_us", $7 / 1000)
	add($2, $3, $4, "p99_us", $8 / 1000)
	add($2, $3, $4, "max_us", $9 / 1000)
	if (NF >= 12 && $4 != "native") {
		add($2, $3, $4, "cpu_us", $11 / $5 / 1000)
		add($2, $3, $4, "switches", $12 / $5)
	}
}

# --- the table ---

function section_table(section,    i, j, m, w, s, v) {
	printf "\n%s: %s\n", section, (section in title) ? title[section] : ""
	printf "  %-14s %-12s", "", ""
	for (m = 1; m <= nmetrics[section]; m++)
		printf " %11s", metrics[section, m]
	printf "%s\n", (section, "per_s") in known ? "     ×floor" : ""
	for (i = 1; i <= nworkloads[section]; i++) {
		w = workloads[section, i]
		for (j = 1; j <= nsystems[section, w]; j++) {
			s = systems[section, w, j]
			printf "  %s %-12s", pad(j > 1 ? "" : w), s
			for (m = 1; m <= nmetrics[section]; m++)
				printf " %11s", number(median(section, w, s, metrics[section, m]))
			if ((section, "per_s") in known)
				printf "  %9s", ratio(median(section, w, s, "per_s"),
					median(section, w, "floor", "per_s"))
			print ""
		}
	}
}

# How the paced reader's times grow with the crowd beside it: over those beside the first.
function crowd_summary(    i, j, w, s, first) {
	if (!nworkloads["crowd"])
		return
	printf "\ncrowd: times of the paced reader over those %s\n", workloads["crowd", 1]
	printf "  %-14s %-12s %8s %8s\n", "", "", "p50", "p99"
	first = workloads["crowd", 1]
	for (i = 2; i <= nworkloads["crowd"]; i++) {
		w = workloads["crowd", i]
		for (j = 1; w ~ /^beside/ && j <= nsystems["crowd", w]; j++) {
			s = systems["crowd", w, j]
			printf "  %s %-12s %8s %8s\n", pad(j > 1 ? "" : w), s,
				ratio(median("crowd", w, s, "p50_us"), median("crowd", first, s, "p50_us")),
				ratio(median("crowd", w, s, "p99_us"), median("crowd", first, s, "p99_us"))
		}
	}
}

# × is one column and more bytes.
function pad(s,    plain) {
	plain = s
	gsub(/×/, "x", plain)
	return s substr("              ", 1, 14 - length(plain))
}

function syscalls_table(    i, j, m, w, s, v, sum, line) {
	printf "\nsyscalls: of the server for one cat; writev is one message answered\n"
	for (i = 1; i <= nworkloads["syscalls"]; i++) {
		w = workloads["syscalls", i]
		for (j = 1; j <= nsystems["syscalls", w]; j++) {
			s = systems["syscalls", w, j]
			sum = 0
			line = ""
			for (m = 1; m <= nmetrics["syscalls"]; m++) {
				v = median("syscalls", w, s, metrics["syscalls", m])
				if (v == "")
					continue
				sum += v
				line = line "  " metrics["syscalls", m] " " number(v)
			}
			printf "  %s %-12s %6.1f %s\n", pad(j > 1 ? "" : w), s, sum, line
		}
	}
}

# What is wanted of evlxcfs, side by side with the least that is possible, and with lxcfs.
function summary(    i, w, file, floor_cpu, need, s) {
	if (!nworkloads["cats"])
		return
	printf "\nsummary: time per cat over the floor's; CPU per cat beside the floor's + %.2f × the preads needed; against lxcfs -l --enable-cfs\n",
		needed_factor
	printf "  %-14s %-12s %8s %8s %11s %9s %9s %9s\n", "", "", "time", "cpu_us", "floor+need",
		"×cats/s", "cpu", "p99"
	for (i = 1; i <= nworkloads["cats"]; i++) {
		w = workloads["cats", i]
		file = w
		sub(/×.*/, "", file)
		floor_cpu = median("cats", w, "floor", "cpu_us")
		need = median("preads", file, "kernel", "us")
		for (s = 1; s <= 2; s++)
			summary_line(w, s == 1 ? "evlxcfs" : "evlxcfs-cfs", floor_cpu + needed_factor * need)
	}
}

function summary_line(w, s, need) {
	if (median("cats", w, s, "per_s") == "")
		return
	printf "  %s %-12s %8s %8s %11s %9s %9s %9s\n", pad(w), s,
		ratio(median("cats", w, "floor", "per_s"), median("cats", w, s, "per_s")),
		number(median("cats", w, s, "cpu_us")), number(need),
		ratio(median("cats", w, s, "per_s"), median("cats", w, "lxcfs-cfs", "per_s")),
		ratio(median("cats", w, s, "cpu_us"), median("cats", w, "lxcfs-cfs", "cpu_us")),
		ratio(median("cats", w, s, "p99_us"), median("cats", w, "lxcfs-cfs", "p99_us"))
}

function table(    i) {
	title["start"] = "from exec to the first answer"
	title["cats"] = "open, read, read at the end, close; by so many processes at once"
	title["fresh"] = "the same by a new process each time"
	title["core"] = "one process, on the same core as the server"
	title["pread"] = "on a file that stays open"
	title["fleet"] = "so many containers, each reading meminfo every 10 ms or more"
	title["herd"] = "meminfo; containers × readers; one paced reader alone, and beside 64 of another container"
	title["crowd"] = "meminfo; one paced reader beside so many of another container"
	title["cold"] = "uptime in a container that has never read, and again"
	title["preads"] = "the files a view cannot do without, one pread each"
	title["idle"] = "nobody reads, all containers alive"
	title["memory"] = "of all processes of a server"
	title["steady"] = "a reader once every ms, alone, beside namespaces that read the host's file, beside those that read the same server"
	title["once"] = "the namespaces themselves, one reading each"
	title["given_back"] = "time until the descriptors of ended containers are closed"
	title["soak"] = "all containers read without a pause"
	for (i = 1; i <= machines; i++)
		printf "%-12s %s\n", machine[i], text[i]
	for (i = 1; i <= nsections; i++)
		if (sections[i] == "syscalls")
			syscalls_table()
		else
			section_table(sections[i])
	crowd_summary()
	summary()
}

# --- JSON ---

function quote(s) {
	gsub(/[\\"]/, "\\\\&", s)
	return "\"" s "\""
}

function print_json(    i, j, k, m, section, w, s, v, comma) {
	printf "{\n \"machine\": {"
	for (i = 1; i <= machines; i++)
		printf "%s\n  %s: %s", (i > 1 ? "," : ""), quote(machine[i]), quote(text[i])
	printf "\n }"
	for (i = 1; i <= nsections; i++) {
		section = sections[i]
		printf ",\n %s: {", quote(section)
		for (j = 1; j <= nworkloads[section]; j++) {
			w = workloads[section, j]
			printf "%s\n  %s: {", (j > 1 ? "," : ""), quote(w)
			for (k = 1; k <= nsystems[section, w]; k++) {
				s = systems[section, w, k]
				printf "%s\n   %s: {", (k > 1 ? "," : ""), quote(s)
				comma = ""
				for (m = 1; m <= nmetrics[section]; m++) {
					v = median(section, w, s, metrics[section, m])
					if (v == "")
						continue
					printf "%s%s: %.10g", comma, quote(metrics[section, m]), v
					comma = ", "
				}
				printf "}"
			}
			printf "\n  }"
		}
		printf "\n }"
	}
	printf "\n}\n"
}

END {
	if (json)
		print_json()
	else
		table()
}
