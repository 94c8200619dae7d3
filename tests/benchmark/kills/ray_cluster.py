"""A Ray cluster of two nodes with a place each on this machine, until the input ends.

A script: it tells its address and the process numbers of its two raylets as JSON. In a process of its own, since Ray
reads at its import alone which token to ask for.
"""

import json
import sys

from ray.cluster_utils import Cluster

NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
QUICK = {"health_check_period_ms": 500, "health_check_failure_threshold": 4, "health_check_initial_delay_ms": 0}

HEAD = {"node_ip_address": "127.0.0.2", "include_dashboard": False, "_system_config": QUICK}  # Ray resolves 127.0.0.1

cluster = Cluster(initialize_head=True, head_node_args=NODE | HEAD)
nodes = [cluster.head_node, cluster.add_node(node_ip_address="127.0.0.3", **NODE)]
raylets = [node.all_processes["raylet"][0].process.pid for node in nodes]
sys.stdout.write(json.dumps([cluster.address, *raylets]) + "\n")
sys.stdout.flush()
sys.stdin.read()
cluster.shutdown()
