/* SPDX-License-Identifier: Apache-2.0 */
/* The sample: a thread sends one user interrupt to main, which sleeps now and then. Prints four lines. -g 1 or -g 2
 * chooses the generation of the system calls. */
#include "uintr_calls.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static volatile int received;
static int vector_fd;

static void __attribute__((interrupt)) on_user_interrupt(struct __uintr_frame *frame, unsigned long long vector)
{
    static const char text[] = "\t-- User Interrupt handler --\n";
    (void)frame;
    (void)vector;
    long ignored = write(STDOUT_FILENO, text, sizeof text - 1);
    (void)ignored;
    received = 1;
}

static _Noreturn void fail(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void *send_one(void *arg)
{
    int index = uintr_register_sender(vector_fd);
    if (index < 0)
        fail("uintr_register_sender");
    puts("Sending IPI from sender thread");
    _senduipi((uint64_t)index);
    if (uintr_unregister_sender(vector_fd, index))
        fail("uintr_unregister_sender");
    return arg;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    int wanted = argc == 3 && strcmp(argv[1], "-g") == 0 ? atoi(argv[2]) : 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!uintr_choose(wanted)) {
        fputs("uipi_sample: no user interrupts: the CPU has none, or the kernel does not enable them\n", stderr);
        return EXIT_FAILURE;
    }
    if (uintr_register_handler(on_user_interrupt, 0))
        fail("uintr_register_handler");
    vector_fd = uintr_vector_fd(0);
    if (vector_fd < 0)
        fail("uintr_vector_fd");
    _stui();
    puts("Receiver enabled interrupts");
    if (pthread_create(&thread, NULL, send_one, NULL))
        fail("pthread_create");
    while (!received)
        usleep(1);
    pthread_join(thread, NULL);
    close(vector_fd);
    if (uintr_unregister_handler())
        fail("uintr_unregister_handler");
    puts("Success");
    return EXIT_SUCCESS;
}
