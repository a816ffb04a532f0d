/*
 * Fields are separated by exactly one blank and may be empty (a source of ""); whatever
 * could be mistaken for a separator is written as an octal escape.
 */
#include "nsutil/mountinfo.h"

#include "nsutil/cleanup.h"
#include "nsutil/procfile.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* \040 and friends stand for blanks, tabs, newlines, backslashes and number signs. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++, to++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
			s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*to = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 |
				     (s[3] - '0'));
			s += 3;
		} else {
			*to = *s;
		}
	}
	*to = '\0';
}

static bool parse_id(const char *word, int *id)
{
	uint64_t n;

	if (!word || !slice_u64((struct slice){word, strlen(word)}, &n) || n > INT_MAX)
		return false;
	*id = (int)n;
	return true;
}

/* "ID PARENT MAJOR:MINOR ROOT TARGET OPTIONS [TAG...] - TYPE SOURCE SUPER" */
static bool parse_line(char *line, struct mountinfo *out)
{
	char *word;

	if (!parse_id(strsep(&line, " "), &out->id))
		return false;
	strsep(&line, " ");
	strsep(&line, " ");
	out->root = strsep(&line, " ");
	out->target = strsep(&line, " ");
	do
		word = strsep(&line, " ");
	while (word && strcmp(word, "-") != 0);
	out->type = strsep(&line, " ");
	out->source = strsep(&line, " ");
	out->super = strsep(&line, " ");
	if (!out->super)
		return false;
	unescape(out->root);
	unescape(out->target);
	unescape(out->source);
	return true;
}

bool mountinfo_next(char **cursor, struct mountinfo *out)
{
	char *line;

	while ((line = strsep(cursor, "\n")))
		if (parse_line(line, out))
			return true;
	return false;
}

int mountinfo_id(int procfd, int fd)
{
	static const char *const keys[] = {"mnt_id:"};
	struct textbuf text = {0};
	char path[40];
	uint64_t id;
	int r;

	snprintf(path, sizeof(path), "self/fdinfo/%d", fd);
	r = procfile_read(procfd, path, &text);
	if (r == 0)
		r = procfile_keyed(text.data, keys, 1, &id) && id <= INT_MAX ? (int)id
									     : -EINVAL;
	textbuf_deinit(&text);
	return r;
}
