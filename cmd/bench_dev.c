/* Runs `dure bench` alone, while the rest of dure is not built. */
#include "cmd/bench.h"

int main(int argc, char **argv)
{
    return dure_cmd_bench(argc, argv);
}
