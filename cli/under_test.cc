#include "cli/under_test.h"

#include <cstdio>
#include <memory>
#include <utility>

#include "conformance/machine_under_test.h"
#include "platforms/kernel/isolation.h"
#include "platforms/kernel/kernel_system.h"
#include "platforms/kernel/probe.h"
#include "platforms/reference_system.h"

namespace ipcspec {
namespace {

PlatformFacts FactsOf(const Dialect& d, std::string kernel, std::string machine,
                      std::string isolation) {
  return {.kernel = std::move(kernel),
          .release = d.release,
          .machine = std::move(machine),
          .isolation = std::move(isolation),
          .limits = {{"pipe_max_size", d.pipe_max_size},
                     {"semmsl", d.semmsl},
                     {"semmns", d.semmns},
                     {"semopm", d.semopm},
                     {"semmni", d.semmni},
                     {"descriptors", d.max_descriptors}}};
}

int OnReference(const Options& options, const std::function<int(const PlatformFacts&)>& body) {
  UnderTest under_test;
  under_test.system = std::make_unique<ReferenceSystem>(Dialect{});
  under_test.seed = options.seed;
  const PlatformFacts facts =
      FactsOf(under_test.dialect(), "reference", "any", "nothing runs outside this process");
  SetMachineUnderTest(std::move(under_test));
  return body(facts);
}

int OnKernel(const Isolation& isolation, const Options& options,
             const std::function<int(const PlatformFacts&)>& body) {
  const ProbedMachine machine = Probe(isolation);
  absl::StatusOr<std::unique_ptr<KernelSystem>> system =
      KernelSystem::Create(isolation, machine.dialect);
  if (!system.ok()) {
    std::fprintf(stderr, "ipcspec: %s\n", std::string(system.status().message()).c_str());
    return kUndecided;
  }
  const bool guesses = (*system)->guesses();
  const bool gvisor = machine.dialect.kernel == Dialect::Kernel::kGvisor;
  PlatformFacts facts =
      FactsOf(machine.dialect, gvisor ? "gVisor" : "Linux", machine.arch, isolation.ToText());
  if (guesses) facts.isolation += "; blocked tasks are inferred from silence";
  SetMachineUnderTest({.system = *std::move(system),
                       .other_users = machine.other_users,
                       .may_mount = machine.may_mount,
                       .own_ipc = isolation.ipc,
                       .apart = isolation.missing.empty() && isolation.shm && !guesses,
                       .may_set_limits = machine.may_set_limits,
                       .no_sysv_ipc = machine.no_sysv_ipc,
                       .no_posix_mq = machine.no_posix_mq,
                       .no_posix_shm = machine.no_posix_shm,
                       .seed = options.seed});
  const int status = body(facts);
  MachineUnderTest().system.reset();
  return status;
}

}  // namespace

int WithSystem(const Options& options, const std::function<int(const PlatformFacts&)>& body) {
  if (options.on_reference) return OnReference(options, body);
  return RunIsolated(
      [&](const Isolation& isolation) { return OnKernel(isolation, options, body); });
}

void SayHowItEnded(int status) {
  if (status <= 128) return;
  std::fprintf(stderr, "\nipcspec: the run ended by signal %d; results so far are kept\n",
               status - 128);
}

}  // namespace ipcspec
