/*
 * What the kernel's cgroup files are called and how they read, on v1 and on v2: two const
 * tables behind one list of facts. Which hierarchy a controller sits in is decided for
 * each controller by itself, since hybrid hosts mix them.
 */
#ifndef NSUTIL_CGROUP_H
#define NSUTIL_CGROUP_H

#include "nsutil/procfile.h"

#include <stdbool.h>
#include <stdint.h>

enum cg_controller {
	CG_MEMORY,
	CG_CPU,
	CG_CPUACCT, /* on v2: cpu.stat, which every cgroup has */
	CG_CPUSET,
	CG_BLKIO,
	CG_HUGETLB,
	CG_PRESSURE, /* the cgroup2 hierarchy, also where it holds no controller */
	CG_CONTROLLERS,
};

/* A fact is one file of a cgroup. The comment names v1's file, then v2's. */
enum cg_fact {
	CGF_MEM_USAGE,        /* memory.usage_in_bytes | memory.current; bytes */
	CGF_MEM_LIMIT,        /* memory.limit_in_bytes | memory.max; bytes */
	CGF_MEM_STAT,         /* memory.stat; see enum cg_memstat */
	CGF_SWAP_USAGE,       /* - (memory.stat: swap) | memory.swap.current; bytes */
	CGF_SWAP_LIMIT,       /* memory.memsw.limit_in_bytes | memory.swap.max; bytes */
	CGF_SWAPPINESS,       /* memory.swappiness | - */
	CGF_KMEM_USAGE,       /* memory.kmem.usage_in_bytes | - (memory.stat: slab) */
	CGF_SLABINFO,         /* memory.kmem.slabinfo | - */
	CGF_CPU_QUOTA,        /* cpu.cfs_quota_us | cpu.max; see cg_parse_quota */
	CGF_CPU_PERIOD,       /* cpu.cfs_period_us | - (cpu.max) */
	CGF_CPU_STAT,         /* cpu.stat; see enum cg_cpustat */
	CGF_CPU_STAT_LOCAL,   /* cpu.stat.local (6.6); see enum cg_cpustat */
	CGF_CPU_USAGE_ALL,    /* cpuacct.usage_all | -; per CPU, see cg_usage_all_next */
	CGF_CPUSET_EFFECTIVE, /* cpuset.effective_cpus | cpuset.cpus.effective; list */
	CGF_CPUSET,           /* cpuset.cpus; list */
	CGF_IO_SERVICED,      /* blkio.throttle.io_serviced_recursive | io.stat */
	CGF_IO_BYTES,        /* blkio.throttle.io_service_bytes_recursive | - (io.stat) */
	CGF_IO_BFQ_SERVICED, /* blkio.bfq.io_serviced_recursive | - */
	CGF_IO_BFQ_BYTES,    /* blkio.bfq.io_service_bytes_recursive | - */
	CGF_IO_CFQ_SERVICED, /* blkio.io_serviced_recursive (before 5.0) | - */
	CGF_IO_CFQ_BYTES,    /* blkio.io_service_bytes_recursive (before 5.0) | - */
	CGF_PRESSURE_CPU,    /* cpu.pressure, always of a cgroup2 */
	CGF_PRESSURE_IO,     /* io.pressure */
	CGF_PRESSURE_MEMORY, /* memory.pressure */
	CGF_PRESSURE_IRQ,    /* irq.pressure (6.1) */
	CGF_TASKS,           /* tasks | cgroup.threads; of the cpuacct hierarchy */
	CG_FACTS,
};

/* Lines of memory.stat that views use; bytes. On v1 the hierarchical "total_" ones. */
enum cg_memstat {
	CGM_FILE,
	CGM_SWAPCACHED,
	CGM_ACTIVE_ANON,
	CGM_INACTIVE_ANON,
	CGM_ACTIVE_FILE,
	CGM_INACTIVE_FILE,
	CGM_UNEVICTABLE,
	CGM_FILE_DIRTY,
	CGM_FILE_WRITEBACK,
	CGM_ANON,
	CGM_FILE_MAPPED,
	CGM_SHMEM,
	CGM_SLAB_RECLAIMABLE,
	CGM_SLAB_UNRECLAIMABLE,
	CGM_SLAB,
	CGM_KERNEL_STACK,
	CGM_PAGETABLES,
	CGM_SEC_PAGETABLES,
	CGM_PERCPU,
	CGM_ANON_THP,
	CGM_SHMEM_THP,
	CGM_FILE_THP,
	CGM_ZSWAP,
	CGM_ZSWAPPED,
	CGM_VMALLOC,
	CGM_SWAP,               /* v1 only: swap used */
	CGM_HIERARCHICAL_LIMIT, /* v1 only: lowest limit on the way to the root */
	CGM_HIERARCHICAL_MEMSW, /* v1 only: the same for memory + swap */
	CG_MEMSTATS,
};

/* The lines of cpu.stat; all in nanoseconds whatever the file's unit. */
enum cg_cpustat {
	CGC_USAGE, /* v2 only, like the next three */
	CGC_USER,  /* includes CGC_NICE */
	CGC_SYSTEM,
	CGC_NICE,      /* 6.12 */
	CGC_THROTTLED, /* throttled_time | throttled_usec */
	CG_CPUSTATS,
};

struct cg_version {
	char name[4]; /* "v1", "v2" */
	struct {
		enum cg_controller controller;
		bool below_root; /* the root cgroup has none, or none that tells */
		char file[42];   /* "": this version has no such file */
	} fact[CG_FACTS];
	char memstat[CG_MEMSTATS][26]; /* "": likewise */
	struct {
		char key[20];
		unsigned ns; /* nanoseconds per unit */
	} cpustat[CG_CPUSTATS];
};

/* Entries of `fact`: a file; one that the root cgroup lacks (v2's CFTYPE_NOT_ON_ROOT) or
 * where it cannot be set (v1); and what the version does not have. */
/* clang-format off */
#define CG_FACT(which, name) {.controller = which, .file = name}
#define CG_BELOW_ROOT(which, name) {.controller = which, .file = name, .below_root = true}
#define CG_NONE(which) {.controller = which}
/* clang-format on */

extern const struct cg_version cg_v1, cg_v2;

/* One mounted hierarchy. */
struct cg_hierarchy {
	int fd;     /* O_PATH directory of the mount's root; owned by the layout */
	char *root; /* what the mount shows, as a path in our cgroup namespace: "/" or
		       longer */
	char *name; /* the field of /proc/PID/cgroup that names it: "cpu,cpuacct", "" for
		       v2 */
	const struct cg_version *version;
	bool is_root; /* what the mount shows is the root cgroup */
};

enum { CG_HIERARCHIES = 12 };

struct cg_layout {
	struct cg_hierarchy hierarchy[CG_HIERARCHIES];
	int count;
	/* Index of the hierarchy in which a controller is; -1 when it is nowhere. */
	signed char of[CG_CONTROLLERS];
};

/* Name of a v1 controller as the kernel writes it; -1 when views do not use it. */
int cg_controller_by_name(struct slice name);

/* Takes over the descriptor and copies the strings. `controllers` is the comma list of v1
 * (NULL for v2), and for v2 the blank list of cgroup.controllers. A controller that an
 * earlier hierarchy has stays there, but v1 takes it from v2. 0 or -errno, closing fd. */
int cg_layout_add(struct cg_layout *layout, int fd, const char *root, const char *name,
	const struct cg_version *version, const char *controllers);
void cg_layout_init(struct cg_layout *layout);
void cg_layout_deinit(struct cg_layout *layout);

/*
 * The path, below the mount's root, of hierarchy i in the text of a /proc/PID/cgroup; ""
 * is the mount's root itself. False when the text does not have the hierarchy, or names a
 * cgroup outside of what the mount shows. *path points into text.
 */
bool cg_path_of(
	const struct cg_layout *layout, int i, const char *text, struct slice *path);
/* The same as the text has it, whatever the mount shows: "/", or "/../x" for a cgroup
 * outside of the namespace in which the text was read. */
bool cg_raw_path_of(
	const struct cg_layout *layout, int i, const char *text, struct slice *path);

/* CFS bandwidth; quota UINT64_MAX is none. */
struct cg_quota {
	uint64_t quota_us, period_us;
};

/* v2's "max 100000" or "150000 100000"; v1's lone number sets quota_us only. 0 or
 * -EINVAL, also for a period of 0. */
int cg_parse_quota(const char *text, struct cg_quota *out);

/* Next line of cpuacct.usage_all ("CPU USER SYSTEM", nanoseconds); skips the heading. */
bool cg_usage_all_next(
	const char **cursor, unsigned *cpu, uint64_t *user_ns, uint64_t *system_ns);

/* memory.stat of that version; bits of the result say which were there. */
uint64_t cg_parse_memstat(
	const struct cg_version *version, const char *text, uint64_t values[CG_MEMSTATS]);
/* cpu.stat or cpu.stat.local of that version, in nanoseconds. */
uint64_t cg_parse_cpustat(
	const struct cg_version *version, const char *text, uint64_t values[CG_CPUSTATS]);

#endif
