"""The pages people work on: review, queues, one decision, policies, models, quality. Server-rendered, offline, under ``/console``."""
