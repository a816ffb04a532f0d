/*
 * See mountopts.h. One table of words.
 */
#include "daemon/mountopts.h"

#include "daemon/log.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

enum kind {
	FLAG,
	SOURCE,   /* with a value */
	SUBTYPE,  /* with a value */
	ALWAYS,   /* it is so anyway, or means nothing here */
	ALWAYS_V, /* the same, with a value */
};

static const struct word {
	char name[20];
	enum kind kind;
	unsigned long set, clear;
} words[] = {
	{"ro", FLAG, MS_RDONLY, 0},
	{"rw", FLAG, 0, MS_RDONLY},
	{"nosuid", FLAG, MS_NOSUID, 0},
	{"suid", FLAG, 0, MS_NOSUID},
	{"nodev", FLAG, MS_NODEV, 0},
	{"dev", FLAG, 0, MS_NODEV},
	{"noexec", FLAG, MS_NOEXEC, 0},
	{"exec", FLAG, 0, MS_NOEXEC},
	{"sync", FLAG, MS_SYNCHRONOUS, 0},
	{"async", FLAG, 0, MS_SYNCHRONOUS},
	{"dirsync", FLAG, MS_DIRSYNC, 0},
	{"noatime", FLAG, MS_NOATIME, MS_RELATIME | MS_STRICTATIME},
	{"atime", FLAG, 0, MS_NOATIME},
	{"nodiratime", FLAG, MS_NODIRATIME, 0},
	{"diratime", FLAG, 0, MS_NODIRATIME},
	{"relatime", FLAG, MS_RELATIME, MS_NOATIME | MS_STRICTATIME},
	{"norelatime", FLAG, 0, MS_RELATIME},
	{"strictatime", FLAG, MS_STRICTATIME, MS_NOATIME | MS_RELATIME},
	{"nostrictatime", FLAG, 0, MS_STRICTATIME},
	{"fsname", SOURCE, 0, 0},
	{"subtype", SUBTYPE, 0, 0},
	{"allow_other", ALWAYS, 0, 0},
	{"auto_unmount", ALWAYS, 0, 0},
	{"default_permissions", ALWAYS, 0, 0},
	{"defaults", ALWAYS, 0, 0},
	{"direct_io", ALWAYS, 0, 0},
	{"nonempty", ALWAYS, 0, 0},
	{"attr_timeout", ALWAYS_V, 0, 0},
	{"entry_timeout", ALWAYS_V, 0, 0},
	{"negative_timeout", ALWAYS_V, 0, 0},
};

void mountopts_init(struct mountopts *out)
{
	*out = (struct mountopts){.source = MOUNTOPTS_SOURCE,
		.type = MOUNTOPTS_TYPE,
		.flags = MS_NOSUID | MS_NODEV | MS_NOEXEC};
}

static const struct word *find(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strlen(words[i].name) == len && !memcmp(words[i].name, name, len))
			return &words[i];
	return NULL;
}

/* Copies the value behind a prefix. False if it is empty or too long. */
static bool copy(
	char *out, size_t size, const char *prefix, const char *value, size_t len)
{
	return len && (size_t)snprintf(out, size, "%s%.*s", prefix, (int)len, value) <
			      size;
}

static bool apply(
	struct mountopts *out, const struct word *word, const char *value, size_t len)
{
	switch (word->kind) {
	case SOURCE: return copy(out->source, sizeof(out->source), "", value, len);
	case SUBTYPE: return copy(out->type, sizeof(out->type), "fuse.", value, len);
	case FLAG:
	case ALWAYS:
	case ALWAYS_V: break;
	}
	out->flags = (out->flags & ~word->clear) | word->set;
	return true;
}

static bool parse_word(struct mountopts *out, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	const size_t name = equals ? (size_t)(equals - text) : len;
	const struct word *word = find(text, name);

	if (!word) {
		log_warnx("-o: unknown mount option '%.*s' (see --help)", (int)len, text);
		return false;
	}
	if (!equals == (word->kind != FLAG && word->kind != ALWAYS) ||
		!apply(out, word, text + name + 1, equals ? len - name - 1 : 0)) {
		log_warnx("-o: not a value that mount option '%.*s' takes (see --help)",
			(int)len, text);
		return false;
	}
	return true;
}

bool mountopts_parse(struct mountopts *out, const char *text)
{
	for (size_t len; *text; text += len + (text[len] == ',')) {
		len = strcspn(text, ",");
		if (len && !parse_word(out, text, len))
			return false;
	}
	return true;
}
