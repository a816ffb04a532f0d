/*
 * See parked.h.
 */
#include "daemon/parked.h"

#include <stddef.h>

struct parked_request *parked_free(struct parked *parked)
{
	for (int i = 0; i < PARKED_MOST; i++)
		if (!parked->request[i].key)
			return &parked->request[i];
	return NULL;
}

struct parked_request *parked_in(struct parked *parked, const struct slot *slot)
{
	for (int i = 0; i < PARKED_MOST; i++)
		if (parked->request[i].key && parked->request[i].slot == slot)
			return &parked->request[i];
	return NULL;
}

unsigned parked_on(const struct parked *parked, uint64_t key)
{
	unsigned n = 0;

	for (int i = 0; i < PARKED_MOST; i++)
		n += parked->request[i].key == key;
	return n;
}
