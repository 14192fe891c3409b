"""The Feast repository: entities, views and services, all built from the tasks. Imports madang only."""
