// SPDX-License-Identifier: Apache-2.0
// The host processor as judge: loads all registers and flags, executes one instruction, and takes everything back; if
// it faults, from the signal frame, which has the vector, error code and address too. Code, data and stack lie at fixed
// low addresses, the same as in the simulated machine, so that addresses mean the same in both. Some pages are absent,
// one is read-only.
#ifndef NATIVE_CPU_H
#define NATIVE_CPU_H

#include <array>
#include <csetjmp>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <sys/mman.h>
#include <ucontext.h>
#include <vector>

struct machine_state {
    std::uint64_t gpr[16];
    std::uint64_t rflags;
};

// Of an instruction that did not complete.
struct native_fault {
    int vector;
    std::uint64_t error, address, rip; // address: CR2
    std::array<std::uint8_t, 512> fx;  // the FXSAVE64 image
};

class native_cpu
{
  public:
    // Linear addresses; [BASE, BASE + SIZE) is mapped by the constructor. CODE, DATA and STACK belong to the
    // instruction.
    static constexpr std::uint64_t BASE = 0x200000, SIZE = 0x20000;
    static constexpr std::uint64_t STUB = BASE, STATE = BASE + 0x1000, CODE = BASE + 0x2000, DATA = BASE + 0x8000;
    static constexpr std::uint64_t DATA_SIZE = 0x3000, STACK = BASE + 0x10000, STACK_SIZE = 0x1000;
    static constexpr std::uint64_t TAKEN = CODE + 0x100; // where branches go
    // Behind the data an absent page; a writable page before the read-only one; absent ones behind that, below and
    // above the stack.
    static constexpr std::uint64_t MORE_DATA = DATA + 0x4000, READ_ONLY = DATA + 0x5000, PAGE = 0x1000;
    static constexpr std::uint64_t ABSENT[] = {DATA + 0x3000, DATA + 0x6000, STACK - PAGE, STACK + PAGE};
    // What an instruction can see, to be compared.
    static constexpr struct area {
        std::uint64_t start, size;
        bool writable;
    } AREAS[] = {{DATA, DATA_SIZE, true}, {MORE_DATA, PAGE, true}, {STACK, STACK_SIZE, true}, {READ_ONLY, PAGE, false}};

    native_cpu()
    {
        void *wanted = reinterpret_cast<void *>(BASE);
        void *p = mmap(wanted, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        m_is_usable = p == wanted;
        if (!m_is_usable) {
            if (p != MAP_FAILED)
                munmap(p, SIZE);
            return;
        }
        write_stub();
        for (std::uint64_t i = 0; i < PAGE; i++)
            *at(READ_ONLY + i) = static_cast<std::uint8_t>(i * 37 ^ i >> 5);
        mprotect(at(READ_ONLY), PAGE, PROT_READ);
        for (std::uint64_t page : ABSENT)
            mprotect(at(page), PAGE, PROT_NONE);
        stack_t alternative{};
        alternative.ss_sp = s_signal_stack;
        alternative.ss_size = sizeof s_signal_stack;
        sigaltstack(&alternative, &m_old_stack);
        struct sigaction action {
        };
        action.sa_sigaction = caught;
        action.sa_flags = SA_ONSTACK | SA_NODEFER | SA_SIGINFO; // no signal mask to restore
        for (unsigned i = 0; i < SIGNAL_COUNT; i++)
            sigaction(SIGNALS[i], &action, &m_old_actions[i]);
    }
    ~native_cpu()
    {
        if (!m_is_usable)
            return;
        for (unsigned i = 0; i < SIGNAL_COUNT; i++)
            sigaction(SIGNALS[i], &m_old_actions[i], nullptr);
        sigaltstack(&m_old_stack, nullptr);
        munmap(reinterpret_cast<void *>(BASE), SIZE);
    }
    native_cpu(const native_cpu &) = delete;
    native_cpu &operator=(const native_cpu &) = delete;

    bool is_usable() const { return m_is_usable; }
    // Whether the host system lets a program enter 32-bit code (it may be built without).
    bool has_32_bit_code()
    {
        machine_state state{};
        bool taken;
        set_code_32({0x90});
        return run_32(state, taken);
    }
    static std::uint8_t *at(std::uint64_t linear) { return reinterpret_cast<std::uint8_t *>(linear); }

    void set_code(const std::vector<std::uint8_t> &bytes)
    {
        std::memcpy(at(CODE), bytes.data(), bytes.size());
        put_jump(CODE + bytes.size(), m_epilogue);
    }

    // The same for 32-bit code.
    void set_code_32(const std::vector<std::uint8_t> &bytes)
    {
        std::memcpy(at(CODE), bytes.data(), bytes.size());
        m_here = CODE + bytes.size();
        put({0xea}); // jmp 33H:m_return_32: user code segments of Linux
        put32(m_return_32);
        put({0x33, 0});
    }
    // Registers are 32 bits wide; the upper halves of the result mean nothing.
    bool run_32(machine_state &state, bool &taken) { return run_from(STUB_32, state, taken); }

    // False: the instruction faulted; the state is that of the fault, fault() says the rest.
    bool run(machine_state &state, bool &taken) { return run_from(STUB, state, taken); }
    static const native_fault &fault() { return s_fault; }

  private:
    static constexpr std::uint64_t FLAGS = offsetof(machine_state, rflags), HOST_RSP = 0x100, TAKEN_FLAG = 0x108;
    static constexpr std::uint64_t FAR_POINTER = 0x110, STUB_32 = STUB + 0x800;

    bool run_from(std::uint64_t stub, machine_state &state, bool &taken)
    {
        std::memcpy(at(STATE), &state, sizeof state);
        *at(STATE + TAKEN_FLAG) = 0;
        if (sigsetjmp(s_escape, 0) != 0) {
            std::memcpy(&state, at(STATE), sizeof state);
            return false;
        }
        s_is_running = 1;
        reinterpret_cast<void (*)()>(stub)();
        s_is_running = 0;
        std::memcpy(&state, at(STATE), sizeof state);
        taken = *at(STATE + TAKEN_FLAG) != 0;
        return true;
    }

    static void caught(int signal, siginfo_t *, void *context)
    {
        if (!s_is_running) { // the test's own mistake
            std::signal(signal, SIG_DFL);
            return;
        }
        s_is_running = 0;
        const mcontext_t &m = static_cast<ucontext_t *>(context)->uc_mcontext;
        static constexpr int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                          REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
        auto value = [&m](int index) { return static_cast<std::uint64_t>(m.gregs[index]); };
        machine_state state;
        for (unsigned i = 0; i < 16; i++)
            state.gpr[i] = value(order[i]);
        state.rflags = value(REG_EFL);
        std::memcpy(at(STATE), &state, sizeof state);
        s_fault.vector = static_cast<int>(m.gregs[REG_TRAPNO]);
        s_fault.error = value(REG_ERR);
        s_fault.address = value(REG_CR2);
        s_fault.rip = value(REG_RIP);
        if (m.fpregs != nullptr)
            std::memcpy(s_fault.fx.data(), m.fpregs, s_fault.fx.size());
        siglongjmp(s_escape, signal);
    }

    void put(std::initializer_list<unsigned> bytes)
    {
        for (unsigned b : bytes)
            *at(m_here++) = static_cast<std::uint8_t>(b);
    }
    void put32(std::uint64_t v)
    {
        put({static_cast<unsigned>(v & 0xff), static_cast<unsigned>(v >> 8 & 0xff),
             static_cast<unsigned>(v >> 16 & 0xff), static_cast<unsigned>(v >> 24 & 0xff)});
    }
    // An instruction whose memory operand is STATE + offset, RIP-relative.
    void put_state(std::initializer_list<unsigned> bytes, std::uint64_t offset, unsigned more = 0)
    {
        put(bytes);
        put32(STATE + offset - (m_here + 4 + more));
    }
    static void put_jump(std::uint64_t from, std::uint64_t to)
    {
        auto distance = static_cast<std::int32_t>(static_cast<std::int64_t>(to - (from + 5)));
        *at(from) = 0xe9;
        std::memcpy(at(from + 1), &distance, 4);
    }
    void put_registers(unsigned opcode)
    {
        for (unsigned r = 0; r < 16; r++)
            if (r != 4)
                put_state({0x48 | r >> 3 << 2, opcode, (r & 7) << 3 | 5}, 8 * r);
        put_state({0x48, opcode, 4 << 3 | 5}, 8 * 4);
    }

    // Host state away, flags and registers of the case in.
    void put_entry()
    {
        put({0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57}); // push rbx, rbp, r12..r15
        put_state({0x48, 0x89, 0x25}, HOST_RSP);                           // mov [], rsp
        put_state({0x48, 0x8d, 0x25}, FLAGS);                              // lea rsp, []
        put({0x9d});                                                       // popfq
        put_registers(0x8b);
    }
    void put_exit()
    {
        put_registers(0x89);
        put_state({0x48, 0x8d, 0x25}, FLAGS + 8);
        put({0x9c});                                                             // pushfq
        put_state({0x48, 0x8b, 0x25}, HOST_RSP);                                 // mov rsp, []
        put({0xfc});                                                             // cld
        put({0x41, 0x5f, 0x41, 0x5e, 0x41, 0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3}); // pop, ret
    }
    void write_stub()
    {
        m_here = STUB;
        put_entry();
        put_jump(m_here, CODE);
        m_here += 5;
        m_epilogue = m_here;
        put_exit();
        m_here = STUB_32;
        put({0xb8, 0x2b, 0, 0, 0, 0x8e, 0xd8, 0x8e, 0xc0}); // ds, es = flat data segment
        put_entry();
        put_state({0xff, 0x2d}, FAR_POINTER); // jmp far [], 16:32
        m_return_32 = m_here;
        put_exit();
        m_here = TAKEN;
        put_state({0xc6, 0x05}, TAKEN_FLAG, 1); // mov byte [], 1
        put({1});
        put_jump(m_here, m_epilogue);
        m_here = STATE + FAR_POINTER;
        put32(CODE);
        put({0x23, 0});
    }

    static constexpr int SIGNALS[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGTRAP};
    static constexpr unsigned SIGNAL_COUNT = sizeof SIGNALS / sizeof SIGNALS[0];
    static inline sigjmp_buf s_escape;
    static inline volatile sig_atomic_t s_is_running;
    static inline native_fault s_fault;
    alignas(16) static inline std::uint8_t s_signal_stack[65536];
    bool m_is_usable = false;
    std::uint64_t m_here = 0, m_epilogue = 0, m_return_32 = 0;
    stack_t m_old_stack{};
    struct sigaction m_old_actions[SIGNAL_COUNT] {
    };
};

#endif
