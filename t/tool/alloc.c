// Touches BYTES of memory, says "ready", and keeps them until standard input
// ends: alloc BYTES
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	size_t bytes = argc == 2 ? strtoull(argv[1], NULL, 0) : 0;
	char c, *p;

	if (!bytes) {
		fprintf(stderr, "usage: alloc BYTES\n");
		return 100;
	}
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED) {
		perror("mmap");
		return 111;
	}
	memset(p, 1, bytes);
	printf("ready\n");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	return 0;
}
