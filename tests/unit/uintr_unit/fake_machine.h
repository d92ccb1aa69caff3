// SPDX-License-Identifier: Apache-2.0
// A processor and memory for the UINTR unit's tests: sparse memory, a log of every callback in order, and a fault on
// demand. It owns one unit. Its constants are its own, so that a wrong one in the unit cannot agree with itself.
#ifndef FAKE_MACHINE_H
#define FAKE_MACHINE_H

#include "uintr.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

constexpr std::uint64_t ONE = 1;

struct fake_memory {
    std::map<std::uint64_t, std::uint8_t> bytes;

    void get(std::uint64_t la, void *out, std::uint32_t size)
    {
        for (std::uint32_t i = 0; i < size; i++) {
            auto found = bytes.find(la + i);
            static_cast<std::uint8_t *>(out)[i] = found == bytes.end() ? std::uint8_t{0} : found->second;
        }
    }
    void put(std::uint64_t la, const void *in, std::uint32_t size)
    {
        for (std::uint32_t i = 0; i < size; i++)
            bytes[la + i] = static_cast<const std::uint8_t *>(in)[i];
    }
    std::uint64_t get64(std::uint64_t la)
    {
        std::uint64_t v = 0;
        for (unsigned i = 8; i-- > 0;) {
            std::uint8_t byte = 0;
            get(la + i, &byte, 1);
            v = v << 8 | byte;
        }
        return v;
    }
    void put64(std::uint64_t la, std::uint64_t v)
    {
        for (unsigned i = 0; i < 8; i++) {
            auto byte = static_cast<std::uint8_t>(v >> (8 * i));
            put(la + i, &byte, 1);
        }
    }
};

// One callback, as the log keeps it: what, and its two most telling numbers.
struct fake_call {
    std::string what; // load modify pop push ipi eoi step
    std::uint64_t a, b;
    bool operator==(const fake_call &o) const { return what == o.what && a == o.a && b == o.b; }
};

inline std::ostream &operator<<(std::ostream &os, const fake_call &c)
{
    return os << c.what << " " << std::hex << c.a << " " << c.b;
}

class fake_machine
{
  public:
    fake_memory own_memory;
    fake_memory &memory;
    std::vector<fake_call> log;
    std::vector<std::pair<enum uintr_step, struct uintr_step_info>> steps;
    std::string fail_what; // the callback that faults: load modify pop push; empty: none
    int fail_after = 0;    // after so many that succeed
    struct vp_fault fail_with = {14, true, 2, 0};
    struct uintr *u;
    struct vp_fault fault = {};

    explicit fake_machine(unsigned width = 48, bool flexible = false, fake_memory *shared = nullptr)
        : memory(shared != nullptr ? *shared : own_memory)
    {
        struct uintr_config config = {width, flexible};
        struct uintr_bus bus = make_bus(this);
        u = uintr_create(&config, &bus);
    }
    ~fake_machine() { uintr_destroy(u); }
    fake_machine(const fake_machine &) = delete;
    fake_machine &operator=(const fake_machine &) = delete;

    void write(std::uint32_t msr, std::uint64_t value)
    {
        ASSERT_EQ(uintr_msr_write(u, msr, value), VP_OK) << std::hex << msr;
    }
    std::uint64_t read(std::uint32_t msr) const { return uintr_msr_read(u, msr); }

    // Every register and UIF, for "nothing has changed".
    std::array<std::uint64_t, 7> state() const
    {
        std::array<std::uint64_t, 7> s{};
        for (std::uint32_t i = 0; i < 6; i++)
            s[i] = read(0x985 + i);
        s[6] = uintr_uif(u) ? 1 : 0;
        return s;
    }
    // The calls of one kind.
    std::vector<fake_call> calls(const std::string &what) const
    {
        std::vector<fake_call> found;
        for (const fake_call &c : log)
            if (c.what == what)
                found.push_back(c);
        return found;
    }
    // Steps in order, without the other calls.
    std::vector<enum uintr_step> step_order() const
    {
        std::vector<enum uintr_step> order;
        for (const auto &s : steps)
            order.push_back(s.first);
        return order;
    }

    static struct uintr_bus make_bus(fake_machine *m)
    {
        struct uintr_bus bus = {};
        bus.ctx = m;
        bus.load_supervisor = [](void *ctx, std::uint64_t la, void *bytes, std::uint32_t size, struct vp_fault *f) {
            auto &self = *static_cast<fake_machine *>(ctx);
            self.log.push_back({"load", la, size});
            if (self.faults("load", la, f))
                return VP_FAULT;
            self.memory.get(la, bytes, size);
            return VP_OK;
        };
        bus.modify_supervisor = [](void *ctx, std::uint64_t la, std::uint32_t size, uintr_modify_fn *fn, void *arg,
                                   struct vp_fault *f) {
            auto &self = *static_cast<fake_machine *>(ctx);
            self.log.push_back({"modify", la, size});
            if (self.faults("modify", la, f))
                return VP_FAULT;
            std::uint8_t bytes[16] = {};
            self.memory.get(la, bytes, size);
            if (fn(arg, bytes))
                self.memory.put(la, bytes, size);
            return VP_OK;
        };
        bus.load_stack = [](void *ctx, std::uint64_t la, std::uint64_t *value, struct vp_fault *f) {
            auto &self = *static_cast<fake_machine *>(ctx);
            self.log.push_back({"pop", la, 0});
            if (self.faults("pop", la, f))
                return VP_FAULT;
            *value = self.memory.get64(la);
            return VP_OK;
        };
        bus.store_stack = [](void *ctx, std::uint64_t la, std::uint64_t value, struct vp_fault *f) {
            auto &self = *static_cast<fake_machine *>(ctx);
            self.log.push_back({"push", la, value});
            if (self.faults("push", la, f))
                return VP_FAULT;
            self.memory.put64(la, value);
            return VP_OK;
        };
        bus.send_ipi = [](void *ctx, std::uint32_t ndst, std::uint8_t nv) {
            static_cast<fake_machine *>(ctx)->log.push_back({"ipi", ndst, nv});
        };
        bus.eoi = [](void *ctx) { static_cast<fake_machine *>(ctx)->log.push_back({"eoi", 0, 0}); };
        bus.step = [](void *ctx, enum uintr_step step, const struct uintr_step_info *info) {
            auto &self = *static_cast<fake_machine *>(ctx);
            self.log.push_back({"step", static_cast<std::uint64_t>(step), 0});
            self.steps.emplace_back(step, *info);
        };
        return bus;
    }

  private:
    bool faults(const char *what, std::uint64_t la, struct vp_fault *f)
    {
        if (fail_what != what || fail_after-- > 0)
            return false;
        *f = fail_with;
        f->address = la;
        return true;
    }
};

inline void expect_gp0(const struct vp_fault &fault)
{
    EXPECT_EQ(fault.vector, 13);
    EXPECT_TRUE(fault.has_error_code);
    EXPECT_EQ(fault.error_code, 0u);
}

#endif
