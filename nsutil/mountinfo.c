/*
 * Fields are separated by exactly one blank and may be empty (a source of ""); whatever
 * could be mistaken for a separator is written as an octal escape.
 */
#include "nsutil/mountinfo.h"

#include "nsutil/cleanup.h"
#include "nsutil/procfile.h"

#include <fcntl.h>
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

/* "MAJOR:MINOR" */
static bool parse_device(const char *word, uint64_t *device)
{
	unsigned major, minor;

	if (!word || sscanf(word, "%u:%u", &major, &minor) != 2)
		return false;
	*device = (uint64_t)major << 32 | minor;
	return true;
}

/* "ID PARENT MAJOR:MINOR ROOT TARGET OPTIONS [TAG...] - TYPE SOURCE SUPER" */
static bool parse_line(char *line, struct mountinfo *out)
{
	char *word;

	if (!parse_id(strsep(&line, " "), &out->id))
		return false;
	strsep(&line, " ");
	if (!parse_device(strsep(&line, " "), &out->device))
		return false;
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

int mountinfo_open(struct mountinfo_file *file, int procfd)
{
	file->len = file->line = 0;
	file->fd = openat(procfd, "self/mountinfo", O_RDONLY | O_CLOEXEC);
	return file->fd < 0 ? -errno : 0;
}

/* Makes the first line of the text a string. 1; 0 at the end; -errno. */
static int next_line(struct mountinfo_file *file)
{
	const size_t room = sizeof(file->text);
	bool skip = false;
	ssize_t n;
	char *end;

	for (;;) {
		file->len -= file->line;
		memmove(file->text, file->text + file->line, file->len);
		end = memchr(file->text, '\n', file->len);
		file->line = end ? (size_t)(end - file->text) + 1 : 0;
		if (end && !skip) {
			*end = '\0';
			return 1;
		}
		if (end || file->len == room) {
			skip = !end;
			file->line = end ? file->line : room;
			continue;
		}
		n = read(file->fd, file->text + file->len, room - file->len);
		if (n <= 0)
			return n < 0 ? -errno : 0;
		file->len += (size_t)n;
	}
}

int mountinfo_read(struct mountinfo_file *file, struct mountinfo *out)
{
	int r;

	do
		r = next_line(file);
	while (r > 0 && !parse_line(file->text, out));
	return r;
}

void mountinfo_close(struct mountinfo_file *file)
{
	file->fd = fd_close(file->fd);
}

int mountinfo_id(int procfd, int fd)
{
	static const char *const keys[] = {"mnt_id:"};
	char path[40], text[512];
	autofd info = -1;
	uint64_t id;
	ssize_t n;

	snprintf(path, sizeof(path), "self/fdinfo/%d", fd);
	info = openat(procfd, path, O_RDONLY | O_CLOEXEC);
	n = info < 0 ? -1 : read(info, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return procfile_keyed(text, keys, 1, &id) && id <= INT_MAX ? (int)id : -EINVAL;
}
