/*
 * One slot for each remainder of a thread id.
 */
#include "cache/callers.h"

#include <stdlib.h>

void callers_deinit(struct callers *callers)
{
	free(callers->slot);
	*callers = (struct callers){0};
}

struct caller_verdict *callers_find(
	struct callers *callers, const struct caller *caller, uint64_t proc)
{
	struct caller_verdict *v;

	if (!callers->slot)
		return NULL;
	v = &callers->slot[(unsigned)caller->tid % CALLERS];
	if (v->caller.tid != caller->tid || v->proc != proc ||
		v->caller.pidns != caller->pidns || v->caller.cgns != caller->cgns)
		return NULL;
	return v;
}

void callers_put(struct callers *callers, const struct caller_verdict *verdict)
{
	if (!callers->slot)
		callers->slot = calloc(CALLERS, sizeof(*callers->slot));
	if (callers->slot)
		callers->slot[(unsigned)verdict->caller.tid % CALLERS] = *verdict;
}
