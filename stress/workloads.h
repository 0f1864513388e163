// The workloads by mechanism, each in the file that its name says. AllWorkloads() (workload.h) has
// them all.
#ifndef IPCSPEC_STRESS_WORKLOADS_H_
#define IPCSPEC_STRESS_WORKLOADS_H_

#include <vector>

#include "stress/workload.h"

namespace ipcspec {

std::vector<Workload> PipeWorkloads();     // workloads_pipe.cc, and FIFOs
std::vector<Workload> SysvMsgWorkloads();  // workloads_sysv.cc
std::vector<Workload> SysvSemWorkloads();
std::vector<Workload> SysvShmWorkloads();  // and what System V objects have in common
std::vector<Workload> PosixMqWorkloads();  // workloads_posix.cc
std::vector<Workload> PosixSemWorkloads();
std::vector<Workload> MemoryWorkloads();  // and mixtures of mechanisms
std::vector<Workload> FaultWorkloads();   // workloads_faults.cc
std::vector<Workload> LongWorkloads();    // workloads_long.cc

}  // namespace ipcspec

#endif  // IPCSPEC_STRESS_WORKLOADS_H_
