/*
 * System calls without libc, for a child that shares our memory (CLONE_VM): it shares the
 * thread-local storage too, so libc's wrappers in it would write our errno, at any
 * moment. A result is the kernel's: a negative errno when it failed.
 *
 * Architectures that are not here have no RAW_SHARED: their children get a copy of our
 * memory, and in that libc may write what it likes.
 */
#ifndef NSUTIL_RAWSYS_H
#define NSUTIL_RAWSYS_H

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of a function that runs in such a child: no check of its may write to memory either. */
#if defined(__has_attribute)
#if __has_attribute(no_stack_protector)
#define RAW_NO_PROTECTOR __attribute__((no_stack_protector))
#endif
#endif
#ifndef RAW_NO_PROTECTOR
#define RAW_NO_PROTECTOR
#endif
#define RAW_CHILD __attribute__((no_sanitize("address", "undefined"))) RAW_NO_PROTECTOR

typedef int raw_main(const void *arg);

/*
 * Of each architecture:
 *
 * raw_call: a system call of up to five arguments.
 *
 * raw_clone: makes a child that runs call(arg) on the stack that ends at `top` (aligned
 * to 16 bytes) and exits with its result. The pid, or a negative errno. The registers in
 * which the child finds call and arg are those it was cloned with.
 */
#if defined(__x86_64__) && !defined(__ILP32__)
#define RAW_SHARED 1

RAW_CHILD static inline long raw_call(long n, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;

	__asm__ volatile("syscall"
			 : "+a"(n)
			 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return n;
}

RAW_CHILD static inline long raw_clone(
	unsigned long flags, void *top, raw_main *call, const void *arg)
{
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;
	long n = SYS_clone;

	__asm__ volatile(
		"syscall\n\t"
		"test %%eax, %%eax\n\t"
		"jnz 1f\n\t"
		"mov %[arg], %%rdi\n\t"
		"call *%[call]\n\t"
		"mov %%eax, %%edi\n\t"
		"mov %[exit], %%eax\n\t"
		"syscall\n\t"
		"hlt\n"
		"1:"
		: "+a"(n)
		: "D"(flags), "S"(top), "d"(0L), "r"(r10),
		"r"(r8), [call] "r"(call), [arg] "r"(arg), [exit] "i"(SYS_exit_group)
		: "rcx", "r11", "memory", "cc");
	return n;
}

#elif defined(__aarch64__)
#define RAW_SHARED 1

RAW_CHILD static inline long raw_call(long n, long a, long b, long c, long d, long e)
{
	register long x8 __asm__("x8") = n;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
			 : "memory", "cc");
	return x0;
}

RAW_CHILD static inline long raw_clone(
	unsigned long flags, void *top, raw_main *call, const void *arg)
{
	register long x8 __asm__("x8") = SYS_clone;
	register long x0 __asm__("x0") = (long)flags;
	register long x1 __asm__("x1") = (long)top;
	register long x2 __asm__("x2") = 0;
	register long x3 __asm__("x3") = 0;
	register long x4 __asm__("x4") = 0;

	__asm__ volatile(
		"svc #0\n\t"
		"cbnz x0, 1f\n\t"
		"mov x0, %[arg]\n\t"
		"blr %[call]\n\t"
		"mov x8, %[exit]\n\t"
		"svc #0\n\t"
		"brk #1\n"
		"1:"
		: "+r"(x0)
		: "r"(x8), "r"(x1), "r"(x2), "r"(x3),
		"r"(x4), [call] "r"(call), [arg] "r"(arg), [exit] "i"(SYS_exit_group)
		: "memory", "cc");
	return x0;
}

#elif defined(__riscv) && __riscv_xlen == 64
#define RAW_SHARED 1

RAW_CHILD static inline long raw_call(long n, long a, long b, long c, long d, long e)
{
	register long a7 __asm__("a7") = n;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d;
	register long a4 __asm__("a4") = e;

	__asm__ volatile("ecall"
			 : "+r"(a0)
			 : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4)
			 : "memory");
	return a0;
}

RAW_CHILD static inline long raw_clone(
	unsigned long flags, void *top, raw_main *call, const void *arg)
{
	register long a7 __asm__("a7") = SYS_clone;
	register long a0 __asm__("a0") = (long)flags;
	register long a1 __asm__("a1") = (long)top;
	register long a2 __asm__("a2") = 0;
	register long a3 __asm__("a3") = 0;
	register long a4 __asm__("a4") = 0;

	__asm__ volatile(
		"ecall\n\t"
		"bnez a0, 1f\n\t"
		"mv a0, %[arg]\n\t"
		"jalr %[call]\n\t"
		"li a7, %[exit]\n\t"
		"ecall\n\t"
		"ebreak\n"
		"1:"
		: "+r"(a0)
		: "r"(a7), "r"(a1), "r"(a2), "r"(a3),
		"r"(a4), [call] "r"(call), [arg] "r"(arg), [exit] "i"(SYS_exit_group)
		: "memory", "ra");
	return a0;
}

#elif defined(__i386__)
#define RAW_SHARED 1

RAW_CHILD static inline long raw_call(long n, long a, long b, long c, long d, long e)
{
	__asm__ volatile("int $0x80"
			 : "+a"(n)
			 : "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory");
	return n;
}

/* No register is left for call and arg: they wait on the new stack. */
RAW_CHILD static inline long raw_clone(
	unsigned long flags, void *top, raw_main *call, const void *arg)
{
	long *stack = (long *)top - 4, n = SYS_clone;

	stack[0] = (long)arg;
	stack[1] = (long)call;
	__asm__ volatile("int $0x80\n\t"
			 "test %%eax, %%eax\n\t"
			 "jnz 1f\n\t"
			 "call *4(%%esp)\n\t"
			 "mov %%eax, %%ebx\n\t"
			 "mov %[exit], %%eax\n\t"
			 "int $0x80\n\t"
			 "hlt\n"
			 "1:"
			 : "+a"(n)
			 : "b"(flags), "c"(stack), "d"(0L), "S"(0L),
			 "D"(0L), [exit] "i"(SYS_exit_group)
			 : "memory", "cc");
	return n;
}

#elif defined(__arm__) && defined(__ARM_EABI__)
#define RAW_SHARED 1

/* r7 holds the number of the call, and in Thumb code it is the frame pointer. */
RAW_CHILD static inline long raw_call(long n, long a, long b, long c, long d, long e)
{
	register long r0 __asm__("r0") = a;
	register long r1 __asm__("r1") = b;
	register long r2 __asm__("r2") = c;
	register long r3 __asm__("r3") = d;
	register long r4 __asm__("r4") = e;

	__asm__ volatile("mov ip, r7\n\t"
			 "mov r7, %[n]\n\t"
			 "svc #0\n\t"
			 "mov r7, ip"
			 : "+r"(r0)
			 : [n] "r"(n), "r"(r1), "r"(r2), "r"(r3), "r"(r4)
			 : "ip", "memory", "cc");
	return r0;
}

RAW_CHILD static inline long raw_clone(
	unsigned long flags, void *top, raw_main *call, const void *arg)
{
	register long r0 __asm__("r0") = (long)flags;
	register long r1 __asm__("r1") = (long)top;
	register long r2 __asm__("r2") = 0;
	register long r3 __asm__("r3") = 0;
	register long r4 __asm__("r4") = 0;
	register raw_main *r5 __asm__("r5") = call;
	register const void *r6 __asm__("r6") = arg;

	__asm__ volatile("mov ip, r7\n\t"
			 "mov r7, %[clone]\n\t"
			 "svc #0\n\t"
			 "cmp r0, #0\n\t"
			 "bne 1f\n\t"
			 "mov r0, r6\n\t"
			 "blx r5\n\t"
			 "mov r7, %[exit]\n\t"
			 "svc #0\n\t"
			 "udf #0\n"
			 "1:\n\t"
			 "mov r7, ip"
			 : "+r"(r0)
			 : "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5),
			 "r"(r6), [clone] "i"(SYS_clone), [exit] "i"(SYS_exit_group)
			 : "ip", "lr", "memory", "cc");
	return r0;
}

#else

static inline long raw_call(long n, long a, long b, long c, long d, long e)
{
	long r = syscall(n, a, b, c, d, e);

	return r < 0 ? -errno : r;
}

static inline long raw_clone(
	unsigned long flags, void *top, raw_main *call, const void *arg)
{
	long pid;

	(void)flags, (void)top;
#if defined(__s390__)
	pid = syscall(SYS_clone, NULL, SIGCHLD);
#else
	pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
#endif
	if (pid == 0)
		_exit(call(arg));
	return pid < 0 ? -errno : pid;
}

#endif
#endif
