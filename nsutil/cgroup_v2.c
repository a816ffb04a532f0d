/*
 * cgroup v2 (Documentation/admin-guide/cgroup-v2.rst). Every figure is hierarchical.
 */
#include "nsutil/cgroup.h"

#define FACT(which, name)                                                                \
	{                                                                                \
		.controller = which, .file = name                                        \
	}
/* CFTYPE_NOT_ON_ROOT */
#define BELOW_ROOT(which, name)                                                          \
	{                                                                                \
		.controller = which, .file = name, .below_root = true                    \
	}
#define NONE(which)                                                                      \
	{                                                                                \
		.controller = which, .file = NULL                                        \
	}

/* clang-format off: a line for each. */
const struct cg_version cg_v2 = {
	.name = "v2",
	.fact =
		{
			[CGF_MEM_USAGE] = BELOW_ROOT(CG_MEMORY, "memory.current"),
			[CGF_MEM_LIMIT] = BELOW_ROOT(CG_MEMORY, "memory.max"),
			[CGF_MEM_STAT] = FACT(CG_MEMORY, "memory.stat"),
			[CGF_SWAP_USAGE] = BELOW_ROOT(CG_MEMORY, "memory.swap.current"),
			[CGF_SWAP_LIMIT] = BELOW_ROOT(CG_MEMORY, "memory.swap.max"),
			[CGF_SWAPPINESS] = NONE(CG_MEMORY),
			[CGF_KMEM_USAGE] = NONE(CG_MEMORY),
			[CGF_SLABINFO] = NONE(CG_MEMORY),
			[CGF_CPU_QUOTA] = BELOW_ROOT(CG_CPU, "cpu.max"),
			[CGF_CPU_PERIOD] = NONE(CG_CPU),
			[CGF_CPU_STAT] = FACT(CG_CPUACCT, "cpu.stat"),
			[CGF_CPU_STAT_LOCAL] = FACT(CG_CPUACCT, "cpu.stat.local"),
			[CGF_CPU_USAGE_ALL] = NONE(CG_CPUACCT),
			[CGF_CPUSET_EFFECTIVE] = FACT(CG_CPUSET, "cpuset.cpus.effective"),
			[CGF_CPUSET] = BELOW_ROOT(CG_CPUSET, "cpuset.cpus"),
			[CGF_IO_SERVICED] = FACT(CG_BLKIO, "io.stat"),
			[CGF_IO_BYTES] = NONE(CG_BLKIO),
			[CGF_IO_BFQ_SERVICED] = NONE(CG_BLKIO),
			[CGF_IO_BFQ_BYTES] = NONE(CG_BLKIO),
			[CGF_IO_CFQ_SERVICED] = NONE(CG_BLKIO),
			[CGF_IO_CFQ_BYTES] = NONE(CG_BLKIO),
			[CGF_PRESSURE_CPU] = FACT(CG_PRESSURE, "cpu.pressure"),
			[CGF_PRESSURE_IO] = FACT(CG_PRESSURE, "io.pressure"),
			[CGF_PRESSURE_MEMORY] = FACT(CG_PRESSURE, "memory.pressure"),
			[CGF_PRESSURE_IRQ] = FACT(CG_PRESSURE, "irq.pressure"),
			[CGF_TASKS] = FACT(CG_CPUACCT, "cgroup.threads"),
		},
	.memstat =
		{
			[CGM_FILE] = "file",
			[CGM_SWAPCACHED] = "swapcached",
			[CGM_ACTIVE_ANON] = "active_anon",
			[CGM_INACTIVE_ANON] = "inactive_anon",
			[CGM_ACTIVE_FILE] = "active_file",
			[CGM_INACTIVE_FILE] = "inactive_file",
			[CGM_UNEVICTABLE] = "unevictable",
			[CGM_FILE_DIRTY] = "file_dirty",
			[CGM_FILE_WRITEBACK] = "file_writeback",
			[CGM_ANON] = "anon",
			[CGM_FILE_MAPPED] = "file_mapped",
			[CGM_SHMEM] = "shmem",
			[CGM_SLAB_RECLAIMABLE] = "slab_reclaimable",
			[CGM_SLAB_UNRECLAIMABLE] = "slab_unreclaimable",
			[CGM_SLAB] = "slab",
			[CGM_KERNEL_STACK] = "kernel_stack",
			[CGM_PAGETABLES] = "pagetables",
			[CGM_SEC_PAGETABLES] = "sec_pagetables",
			[CGM_PERCPU] = "percpu",
			[CGM_ANON_THP] = "anon_thp",
			[CGM_SHMEM_THP] = "shmem_thp",
			[CGM_FILE_THP] = "file_thp",
			[CGM_ZSWAP] = "zswap",
			[CGM_ZSWAPPED] = "zswapped",
			[CGM_VMALLOC] = "vmalloc",
		},
	.cpustat =
		{
			[CGC_USAGE] = {"usage_usec", 1000},
			[CGC_USER] = {"user_usec", 1000},
			[CGC_SYSTEM] = {"system_usec", 1000},
			[CGC_NICE] = {"nice_usec", 1000},
			[CGC_THROTTLED] = {"throttled_usec", 1000},
		},
};
