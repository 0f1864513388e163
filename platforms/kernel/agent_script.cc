#include "platforms/kernel/agent_script.h"

#include <sched.h>

#include <cstring>

#include "platforms/kernel/agent_ops.h"
#include "platforms/kernel/monotonic.h"
#include "platforms/kernel/raw_syscall.h"

namespace ipcspec {
namespace {

// Which processors there are is a question to ask once: -1 means all that the machine has.
void RunOn(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu >= 0) {
    CPU_SET(cpu, &set);
  } else {
    std::memset(&set, 0xff, sizeof set);
  }
  RawSyscall(SYS_sched_setaffinity, 0, sizeof set, reinterpret_cast<int64_t>(&set));
}

// Whether there was one.
bool Pause(const ScriptEntry& entry) {
  for (int i = 0; i < entry.yields; ++i) RawSyscall(SYS_sched_yield);
  if (entry.pause_ns == 0) return entry.yields != 0;
  for (const int64_t end = Monotonic() + entry.pause_ns; Monotonic() < end;) {
  }
  return true;
}

// Takes what other calls of the race gave; whether there are such. What has not returned, or
// failed, is -1.
bool Patch(const Mailboxes& memory, ScriptEntry& entry) {
  for (ScriptEntry::Patch& patch : entry.patches) {
    if (patch.arg < 0) break;
    const ScriptMemory& script = memory.scripts[patch.slot];
    const ScriptEntry& from = script.entries[patch.entry];
    patch.value = -1;
    if (from.returned_ns.load(std::memory_order_acquire) != 0 && from.request.result >= 0) {
      patch.value = from.request.result;
      if (patch.index >= 0) {
        int32_t number = -1;
        const size_t at = from.buffer + static_cast<size_t>(patch.index) * sizeof number;
        std::memcpy(&number, script.buffer.data() + at, sizeof number);
        patch.value = number;
      }
    }
    entry.request.args[patch.arg] = patch.value;
  }
  return entry.patches[0].arg >= 0;
}

// Reads a byte of each page, so that the race does not stop for page faults; the kernel maps the
// pages around it, too.
void Touch(const void* begin, size_t size) {
  constexpr size_t kPage = 4096;
  for (size_t at = 0; at < size; at += kPage) {
    static_cast<void>(*(static_cast<const volatile char*>(begin) + at));
  }
}

// Waits for all who race. Where agents yielded without end, others did not come to their turn for
// more than ten seconds (seen on a busy Linux 6.18, and not explained).
void StartTogether(Mailboxes& memory) {
  constexpr int kMostYields = 20;
  if (memory.ready.fetch_add(1) + 1 == memory.racers) {
    memory.go.store(1, std::memory_order_release);
    FutexWake(memory.go, Mailboxes::kSlots);
  }
  for (int i = 0; memory.go.load(std::memory_order_acquire) == 0; ++i) {
    if (i < kMostYields) {
      RawSyscall(SYS_sched_yield);
    } else {
      FutexWait(memory.go, 0, nullptr);
    }
  }
}

// For benchmarks: what the same calls take when nothing is noted of each.
void CarryOutUnrecorded(ScriptMemory& script, PerformCall perform) {
  if (script.count == 0) return;
  script.entries[0].called_ns.store(Monotonic());
  for (int i = 0; i < script.count; ++i) {
    const ScriptEntry& entry = script.entries[i];
    Pause(entry);
    perform(entry.request, script.buffer.data() + entry.buffer);
  }
  script.entries[script.count - 1].returned_ns.store(Monotonic());
  script.done.store(script.count, std::memory_order_release);
}

void CarryOut(const Mailboxes& memory, ScriptMemory& script, PerformCall perform) {
  // Reading the clock is dear beside a short call: a call begins when the one before returned,
  // unless the task did something between. That it seems longer only allows more.
  int64_t now = Monotonic();
  for (int next = script.done.load(); next < script.count; ++next) {
    ScriptEntry& entry = script.entries[next];
    const bool paused = Pause(entry);
    if (memory.stop.load(std::memory_order_relaxed) != 0) break;
    const bool patched = Patch(memory, entry);
    if (paused || patched) now = Monotonic();
    // Before the call: whoever finds this task dead knows that it may have been made.
    entry.called_ns.store(now, std::memory_order_release);
    char* const buffer = script.buffer.data() + entry.buffer;
    entry.request.result = call_shim == nullptr ? perform(entry.request, buffer)
                                                : call_shim(entry.request, buffer, perform);
    now = Monotonic();
    entry.returned_ns.store(now, std::memory_order_release);
    script.done.store(next + 1, std::memory_order_release);
  }
}

}  // namespace

int64_t CarryOutScript(Mailboxes& memory, int slot, PerformCall perform) {
  ScriptMemory& script = memory.scripts[slot];
  if (script.done.load() == 0) {
    RunOn(script.cpu);
    Touch(script.entries.data(), static_cast<size_t>(script.count) * sizeof(ScriptEntry));
    Touch(script.buffer.data(), script.used);
    StartTogether(memory);
  }
  const auto carry_out = [&] {
    script.unrecorded != 0 ? CarryOutUnrecorded(script, perform)
                           : CarryOut(memory, script, perform);
    return int64_t{0};
  };
  return script.guarded != 0 ? WithGuard(carry_out) : carry_out();
}

void FinishExec(ScriptMemory& script) {
  const int done = script.done.load();
  ScriptEntry& entry = script.entries[done];
  entry.request.result = 0;
  entry.returned_ns.store(Monotonic(), std::memory_order_release);
  script.done.store(done + 1, std::memory_order_release);
}

}  // namespace ipcspec
