#include "platforms/kernel/kernel_test.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <utility>

#include "platforms/kernel/isolation.h"

namespace ipcspec {
namespace {

const Isolation* run_isolation = nullptr;
const ProbedMachine* run_machine = nullptr;

}  // namespace

const ProbedMachine& TestedMachine() { return *run_machine; }

std::unique_ptr<KernelSystem> NewKernelSystem() {
  auto system = KernelSystem::Create(*run_isolation, run_machine->dialect);
  EXPECT_TRUE(system.ok()) << system.status();
  return system.ok() ? *std::move(system) : nullptr;
}

}  // namespace ipcspec

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  return ipcspec::RunIsolated([](const ipcspec::Isolation& isolation) {
    std::printf("%s\n", isolation.ToText().c_str());
    const ipcspec::ProbedMachine machine = ipcspec::Probe(isolation);
    ipcspec::run_isolation = &isolation;
    ipcspec::run_machine = &machine;
    return RUN_ALL_TESTS();
  });
}
