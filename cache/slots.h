/*
 * Which place of a table in shared memory belongs to whom: keys, found by hash. What the
 * places hold is the user's. Places come into use one after the other, so that a table
 * for thousands costs no more memory than it has in use.
 *
 * A process that is killed at any instruction leaves a key whole or not there.
 */
#ifndef CACHE_SLOTS_H
#define CACHE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SLOT_NONE = -1, SLOTS_MOST = 0xffff };

struct slots;

/* Never used again for anybody else; all zero is nobody. */
struct slot_key {
	uint64_t id[4];
};

size_t slots_size(unsigned count);
/* Starts anew in `mem`, aligned for uint64_t, that holds whatever it holds. */
void slots_init(struct slots *slots, unsigned count);
/* Whether that was done, for as many. */
bool slots_valid(const struct slots *slots, unsigned count);

/* The key's place, or SLOT_NONE. */
int slots_find(const struct slots *slots, const struct slot_key *key);
/* A place that is nobody's any more, to be filled and then given away: where there is no
 * room it was that of somebody who is gone, or else whoever has most places loses the one
 * that was not used for longest, as a sample of the places tells. */
int slots_take(struct slots *slots);
/* It is theirs from here on. `init` is the process whose end ends them; 0: unknown.
 * `owner` has it among their places. */
void slots_give(struct slots *slots, int slot, const struct slot_key *key, pid_t init,
	uint64_t owner, uint64_t now_ns);
/* Those who are gone give up the last places in use, as far as there are no others behind
 * them. Returns how many places are in use then. */
unsigned slots_trim(struct slots *slots);
/* Gives the pages that lie whole between the two back, of memory that is a shared file's;
 * nobody's place is there. */
void slots_give_back(void *from, void *to);
void slots_used(struct slots *slots, int slot, uint64_t now_ns);

#endif
