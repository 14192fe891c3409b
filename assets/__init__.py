"""The asset graph, in the order the data takes: posts, attributes, features, feast. Task folders declare the tasks."""
