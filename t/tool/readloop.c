// Reads FILE from its beginning to its end and demands TEXT in each reading:
// readloop COUNT[,SECONDS] FILE TEXT stops after COUNT readings or SECONDS,
// whichever is first. Every second reading reuses one descriptor at offset 0,
// the others open the file anew.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char buf[1 << 18];

static ssize_t whole(int fd)
{
	ssize_t n, len = 0;

	while ((n = pread(fd, buf + len, sizeof buf - 1 - (size_t)len, len)) > 0)
		len += n;
	if (n < 0)
		return -1;
	buf[len] = '\0';
	return len;
}

int main(int argc, char **argv)
{
	char *comma = argc == 4 ? strchr(argv[1], ',') : NULL;
	long count = argc == 4 ? atol(argv[1]) : 0, i;
	time_t end = comma ? time(NULL) + atol(comma + 1) : 0;
	int kept;

	if (count <= 0) {
		fprintf(stderr, "usage: readloop COUNT[,SECONDS] FILE TEXT\n");
		return 100;
	}
	kept = open(argv[2], O_RDONLY | O_CLOEXEC);
	for (i = 0; i < count && (!end || time(NULL) < end); i++) {
		int fd = i % 2 ? kept : open(argv[2], O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : whole(fd);

		if (n < 0) {
			perror(argv[2]);
			return 111;
		}
		if (!strstr(buf, argv[3])) {
			printf("read %ld of %ld lacks '%s':\n%s", i, count, argv[3], buf);
			return 1;
		}
		if (fd != kept)
			close(fd);
	}
	printf("ok %ld\n", i);
	return 0;
}
