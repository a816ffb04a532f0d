/*
 * cgroup v1 (Documentation/admin-guide/cgroup-v1). memory.stat's plain keys count only
 * the cgroup itself; the total_ ones include its descendants.
 */
#include "nsutil/cgroup.h"

/* A line for each. */
/* clang-format off */
const struct cg_version cg_v1 = {
	.name = "v1",
	.fact = {
		[CGF_MEM_USAGE] = CG_FACT(CG_MEMORY, "memory.usage_in_bytes"),
		[CGF_MEM_LIMIT] = CG_BELOW_ROOT(CG_MEMORY, "memory.limit_in_bytes"),
		[CGF_MEM_STAT] = CG_FACT(CG_MEMORY, "memory.stat"),
		[CGF_SWAP_USAGE] = CG_NONE(CG_MEMORY),
		[CGF_SWAP_LIMIT] = CG_BELOW_ROOT(CG_MEMORY, "memory.memsw.limit_in_bytes"),
		[CGF_SWAPPINESS] = CG_FACT(CG_MEMORY, "memory.swappiness"),
		[CGF_KMEM_USAGE] = CG_FACT(CG_MEMORY, "memory.kmem.usage_in_bytes"),
		[CGF_SLABINFO] = CG_FACT(CG_MEMORY, "memory.kmem.slabinfo"),
		[CGF_CPU_QUOTA] = CG_BELOW_ROOT(CG_CPU, "cpu.cfs_quota_us"),
		[CGF_CPU_PERIOD] = CG_BELOW_ROOT(CG_CPU, "cpu.cfs_period_us"),
		[CGF_CPU_STAT] = CG_FACT(CG_CPU, "cpu.stat"),
		[CGF_CPU_STAT_LOCAL] = CG_FACT(CG_CPU, "cpu.stat.local"),
		[CGF_CPU_USAGE_ALL] = CG_FACT(CG_CPUACCT, "cpuacct.usage_all"),
		[CGF_CPUSET_EFFECTIVE] = CG_FACT(CG_CPUSET, "cpuset.effective_cpus"),
		[CGF_CPUSET] = CG_FACT(CG_CPUSET, "cpuset.cpus"),
		[CGF_IO_SERVICED] = CG_FACT(CG_BLKIO, "blkio.throttle.io_serviced_recursive"),
		[CGF_IO_BYTES] = CG_FACT(CG_BLKIO, "blkio.throttle.io_service_bytes_recursive"),
		[CGF_IO_BFQ_SERVICED] = CG_FACT(CG_BLKIO, "blkio.bfq.io_serviced_recursive"),
		[CGF_IO_BFQ_BYTES] = CG_FACT(CG_BLKIO, "blkio.bfq.io_service_bytes_recursive"),
		[CGF_IO_CFQ_SERVICED] = CG_FACT(CG_BLKIO, "blkio.io_serviced_recursive"),
		[CGF_IO_CFQ_BYTES] = CG_FACT(CG_BLKIO, "blkio.io_service_bytes_recursive"),
		[CGF_PRESSURE_CPU] = CG_NONE(CG_PRESSURE),
		[CGF_PRESSURE_IO] = CG_NONE(CG_PRESSURE),
		[CGF_PRESSURE_MEMORY] = CG_NONE(CG_PRESSURE),
		[CGF_PRESSURE_IRQ] = CG_NONE(CG_PRESSURE),
		[CGF_TASKS] = CG_FACT(CG_CPUACCT, "tasks"),
	},
	.memstat = {
		[CGM_FILE] = "total_cache",
		[CGM_SWAPCACHED] = "total_swapcached",
		[CGM_ACTIVE_ANON] = "total_active_anon",
		[CGM_INACTIVE_ANON] = "total_inactive_anon",
		[CGM_ACTIVE_FILE] = "total_active_file",
		[CGM_INACTIVE_FILE] = "total_inactive_file",
		[CGM_UNEVICTABLE] = "total_unevictable",
		[CGM_FILE_DIRTY] = "total_dirty",
		[CGM_FILE_WRITEBACK] = "total_writeback",
		[CGM_ANON] = "total_rss",
		[CGM_FILE_MAPPED] = "total_mapped_file",
		[CGM_SHMEM] = "total_shmem",
		[CGM_ANON_THP] = "total_rss_huge",
		[CGM_SWAP] = "total_swap",
		[CGM_HIERARCHICAL_LIMIT] = "hierarchical_memory_limit",
		[CGM_HIERARCHICAL_MEMSW] = "hierarchical_memsw_limit",
	},
	.cpustat = {
		[CGC_THROTTLED] = {"throttled_time", 1},
	},
};
